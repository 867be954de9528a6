// What a run of tests came to, whichever runner ran them. `passed` null: the runner says that tests passed and not how many (`go test` without -v).

import * as v from "valibot";

export const runners = ["bun", "node:test", "jest", "vitest", "unittest", "pytest", "cargo", "go", "junit"] as const;
export type Runner = (typeof runners)[number];

export const testResultsSchema = v.object({
  runner: v.picklist(runners),
  /** `empty`: no test was found. `listed`: tests were found and none was run. `partial`: there is more than was read. */
  state: v.picklist(["ran", "empty", "listed", "partial"]),
  passed: v.nullable(v.number()),
  failed: v.number(),
  /** Skipped, ignored, or still to be written. */
  skipped: v.number(),
  failedNames: v.array(v.string()),
  skippedNames: v.array(v.string()),
});
export type TestResults = v.InferOutput<typeof testResultsSchema>;

/** Names are listed up to this number; the counts are whole. */
export const MAX_NAMES = 500;

/** The results of one runner. What ran nothing is empty, unless it says otherwise. */
export function resultsOf(runner: Runner, found: Partial<Omit<TestResults, "runner">>): TestResults {
  const { passed = 0, failed = 0, skipped = 0, failedNames = [], skippedNames = [] } = found;
  const none = passed === 0 && failed === 0 && skipped === 0;
  const names = (list: string[]) => [...new Set(list)].slice(0, MAX_NAMES);
  return {
    runner,
    state: found.state ?? (none ? "empty" : "ran"),
    ...{ passed, failed, skipped },
    ...{ failedNames: names(failedNames), skippedNames: names(skippedNames) },
  };
}
