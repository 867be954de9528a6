// Test results from a JUnit file, the form that nearly every runner can write. Counted case by case: the totals in the file are somebody's word, and
// what a test printed is nobody's result.
// Does not stop: a file that was written by hand.

import { resultsOf, type TestResults } from "./results.ts";
import { elementsOf } from "./xml.ts";

const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const plain = (text: string) => text.replace(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole);

const SUITES: ReadonlySet<string> = new Set(["testsuite", "testsuites"]);
/** What stands directly in a case and says how it ended. */
const STATES: ReadonlyMap<string, "failed" | "skipped"> = new Map([
  ["failure", "failed"],
  ["error", "failed"],
  ["skipped", "skipped"],
]);

/** Whether a text begins with a test suite, as far as it is there: with nothing before it but a declaration and comments. */
export const beginsSuite = (xml: string): boolean => {
  const first = elementsOf(xml).next().value;
  return first !== undefined && SUITES.has(first.name);
};

/** Reads the file's text; undefined when it holds no test suite. */
export function parseJunit(xml: string): TestResults | undefined {
  let suites = 0;
  const cases: { name: string; state: "passed" | "failed" | "skipped" }[] = [];
  for (const { name, inside, attributes } of elementsOf(xml)) {
    if (SUITES.has(name)) suites += 1;
    const isIn = (depth: number) => SUITES.has(inside.at(-depth) ?? "");
    if (name === "testcase" && isIn(1)) {
      const words = ["classname", "name"].map((attribute) => plain(attributes.get(attribute) ?? ""));
      cases.push({ name: words[0] === "" ? words[1]! : words.join(" "), state: "passed" });
    }
    const state = inside.at(-1) === "testcase" && isIn(2) ? STATES.get(name) : undefined;
    const current = cases.at(-1);
    if (state !== undefined && current !== undefined && current.state !== "failed") current.state = state;
  }
  if (suites === 0) return undefined;
  const named = (state: string) => cases.filter((each) => each.state === state).map(({ name }) => name);
  const [failed, skipped] = [named("failed"), named("skipped")];
  return resultsOf("junit", {
    ...{ passed: named("passed").length, failed: failed.length, skipped: skipped.length },
    ...{ failedNames: failed, skippedNames: skipped },
  });
}
