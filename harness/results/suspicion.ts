// Tests that pass because less is tested: what a verification command does not run, what its results lack, and what they lack in comparison with the
// tree before the worker's turn. Pure.

import type { Finding } from "../verdict/categories.ts";
import type { TestResults } from "./results.ts";

const found = (category: Finding["category"], reason: string): Finding => ({
  ...{ category, grade: "finding", reason, source: "observation" },
});

/** Words that make a runner list, explain or build its tests instead of running them. */
const LISTING: ReadonlySet<string> = new Set([
  ...["--collect-only", "--co", "--collectonly", "--fixtures", "--fixtures-per-test", "--setup-plan"],
  ...["--listTests", "--list", "--list-tests", "-list", "--no-run", "--dry-run"],
  ...["--version", "-V", "--help", "-h"],
]);
/** Words by which an empty set passes. */
const PERMISSIVE: ReadonlySet<string> = new Set(["--passWithNoTests", "--pass-with-no-tests", "--if-present"]);

/** What of a command keeps it from testing anything; undefined when nothing is seen. Its own words only: a script may do as it likes. */
export function listingWord(argv: readonly string[]): string | undefined {
  const end = argv.indexOf("--");
  const own = end === -1 ? argv : [...argv.slice(0, end), ...argv.slice(end + 1)];
  return own.find((word) => LISTING.has(word.split("=")[0]!) || PERMISSIVE.has(word.split("=")[0]!));
}

/** Of a command that ended well: what its runners say failed all the same. */
export function unheeded(results: readonly TestResults[]): Finding[] {
  return results.flatMap(({ runner, failed, failedNames }) => {
    if (failed === 0) return [];
    const which = failedNames.length > 0 ? `: ${some(failedNames)}` : "";
    return [found("suspicious_tests", `${runner}: ${failed} tests failed, and the command ended well${which}`)];
  });
}

const totalOf = ({ passed, failed, skipped }: TestResults) => (passed === null ? null : passed + failed + skipped);
const some = (names: string[]) => names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "");

function compare(before: TestResults, after: TestResults): Finding[] {
  const { runner } = after;
  const findings: Finding[] = [];
  const [was, is] = [totalOf(before), totalOf(after)];
  const fewer = was !== null && is !== null && is < was;
  if (fewer) findings.push(found("suspicious_tests", `${runner}: ${is} tests, ${was} before`));
  const newlySkipped = after.skippedNames.filter((name) => !before.skippedNames.includes(name));
  if (after.skipped > before.skipped) {
    const which = newlySkipped.length > 0 ? `: ${some(newlySkipped)}` : "";
    findings.push(
      found("suspicious_tests", `${runner}: ${after.skipped - before.skipped} more tests are skipped${which}`),
    );
  }
  // One that failed may pass now. That there are fewer tests, and it fails no more, is another matter.
  const gone = fewer ? before.failedNames.filter((name) => !after.failedNames.includes(name)) : [];
  const missing = was !== null && is !== null ? Math.min(gone.length, was - is) : 0;
  if (missing > 0 && (after.passed ?? 0) <= (before.passed ?? 0)) {
    findings.push(found("fabrication", `${runner}: tests that failed before are gone: ${some(gone)}`));
  }
  return findings;
}

/**
 * What is suspicious about the results of a verification, `before` those of the same commands on the tree before, where there are any. A runner
 * that was heard before and is silent now is no better than one that found nothing.
 */
export function suspicionsOf(after: readonly TestResults[], before: readonly TestResults[] = []): Finding[] {
  const own = after.flatMap((results): Finding[] => {
    if (results.state === "empty") return [found("suspicious_tests", `${results.runner}: no test was found`)];
    if (results.state === "listed") return [found("suspicious_tests", `${results.runner}: tests were listed, not run`)];
    if (results.state === "partial")
      return [found("suspicious_tests", `${results.runner}: more results than were read`)];
    return [];
  });
  const compared = before.flatMap((earlier): Finding[] => {
    if (earlier.state !== "ran") return [];
    const now = after.find(({ runner }) => runner === earlier.runner);
    if (now === undefined) return [found("suspicious_tests", `${earlier.runner}: ran before, and is not heard of now`)];
    if (now.state === "listed" || now.state === "partial") return [];
    return compare(earlier, now.state === "empty" ? { ...now, passed: 0 } : now);
  });
  return [...own, ...compared];
}
