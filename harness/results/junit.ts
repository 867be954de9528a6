// Test results from a JUnit file, the form that nearly every runner can write. Counted case by case: the totals in the file are somebody's word.
// Does not stop: a file that was written by hand.

import { resultsOf, type TestResults } from "./results.ts";

const entities: Record<string, string> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const plain = (text: string) => text.replace(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole);

/** Reads the file's text; undefined when it holds no test suite. */
export function parseJunit(xml: string): TestResults | undefined {
  let suites = 0;
  let current: { name: string; state: "passed" | "failed" | "skipped" } | undefined;
  const cases: { name: string; state: "passed" | "failed" | "skipped" }[] = [];
  const mark = (state: "failed" | "skipped") => ({
    element() {
      if (current !== undefined && current.state !== "failed") current.state = state;
    },
  });
  // A rewriter for HTML, which knows no closing of a tag in itself: what comes after a case and before the next is the case's.
  new HTMLRewriter()
    .on("testsuite, testsuites", { element: () => void (suites += 1) })
    .on("testcase", {
      element(element) {
        const [group, name] = ["classname", "name"].map((attribute) => plain(element.getAttribute(attribute) ?? ""));
        current = { name: group === "" || group === undefined ? name! : `${group} ${name}`, state: "passed" };
        cases.push(current);
      },
    })
    .on("failure", mark("failed"))
    .on("error", mark("failed"))
    .on("skipped", mark("skipped"))
    .transform(xml);
  if (suites === 0) return undefined;
  const named = (state: string) => cases.filter((each) => each.state === state).map(({ name }) => name);
  const [failed, skipped] = [named("failed"), named("skipped")];
  return resultsOf("junit", {
    ...{ passed: named("passed").length, failed: failed.length, skipped: skipped.length },
    ...{ failedNames: failed, skippedNames: skipped },
  });
}
