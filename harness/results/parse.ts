// Test results read from what runners print, without running or asking anything: a reader per runner, each by that runner's own summary lines. Pure.
// Formats: as printed by bun 1.4, node 20, jest 30, vitest 3, unittest of Python 3.11, pytest 9, cargo 1.95 (test/cases/test-results), and go's
// documentation of `go test`.
// Does not stop: a program that prints what a runner would print. What a supervisor ran itself, with the exit code, is what counts.

import { parseJunit } from "./junit.ts";
import { resultsOf, type TestResults } from "./results.ts";

type Reader = (text: string) => TestResults | undefined;

const all = (text: string, pattern: RegExp): RegExpMatchArray[] => [...text.matchAll(pattern)];
const names = (text: string, pattern: RegExp): string[] => all(text, pattern).map((match) => match[1]!.trim());
const sum = (values: (string | undefined)[]): number => values.reduce((total, value) => total + Number(value ?? 0), 0);

/** The number before each word in summaries such as `1 failed, 2 passed`. */
function counted(summaries: string[], ...words: string[]): number {
  const pattern = new RegExp(`(\\d+) (?:${words.join("|")})\\b`, "g");
  return sum(summaries.flatMap((summary) => all(summary, pattern).map((match) => match[1])));
}

const bun: Reader = (text) => {
  if (/^No tests found!$/m.test(text)) return resultsOf("bun", {});
  if (!/^Ran \d+ tests? across \d+ files?\./m.test(text)) return undefined;
  const lines = (word: string) => sum(all(text, new RegExp(`^ (\\d+) ${word}$`, "gm")).map((match) => match[1]));
  const named = (word: string) => names(text, new RegExp(`^\\(${word}\\) (.+?)(?: \\[[\\d.]+ms\\])?$`, "gm"));
  return resultsOf("bun", {
    ...{ passed: lines("pass"), failed: lines("fail"), skipped: lines("skip") + lines("todo") },
    ...{ failedNames: named("fail"), skippedNames: [...named("skip"), ...named("todo")] },
  });
};

/** Both reporters: `ℹ pass 1` (spec) and `# pass 1` (TAP). */
const node: Reader = (text) => {
  const lines = (word: string) => sum(all(text, new RegExp(`^(?:ℹ|#) ${word} (\\d+)$`, "gm")).map((match) => match[1]));
  if (!/^(?:ℹ|#) tests \d+$/m.test(text) || !/^(?:ℹ|#) cancelled \d+$/m.test(text)) return undefined;
  const failed = [
    ...names(text, /^[ \t]*✖ (.+?) \([\d.]+ms\)$/gm),
    ...names(text, /^[ \t]*not ok \d+ - (.+?)(?: # T[O]DO.*)?$/gm),
  ];
  const skipped = [
    ...names(text, /^[ \t]*﹣ (.+?) \([\d.]+ms\)/gm),
    ...names(text, /^[ \t]*ok \d+ - (.+?) # (?:SKIP|T[O]DO)/gm),
  ];
  return resultsOf("node:test", {
    ...{ passed: lines("pass"), failed: lines("fail") + lines("cancelled"), skipped: lines("skipped") + lines("todo") },
    ...{ failedNames: failed, skippedNames: skipped },
  });
};

const jest: Reader = (text) => {
  if (/^No tests found, exiting with code/m.test(text)) return resultsOf("jest", {});
  const summaries = names(text, /^Tests: {2,}(.+)$/gm);
  if (summaries.length === 0) return undefined;
  return resultsOf("jest", {
    passed: counted(summaries, "passed"),
    failed: counted(summaries, "failed"),
    skipped: counted(summaries, "skipped", "todo"),
    failedNames: names(text, /^ {2}● (.+ › .+)$/gm),
    skippedNames: names(text, /^ +[○✎] (?:skipped|todo) (.+)$/gm),
  });
};

const vitest: Reader = (text) => {
  if (/^No test files found, exiting with code/m.test(text)) return resultsOf("vitest", {});
  const summaries = names(text, /^ +Tests {2}(.+\(\d+\))$/gm);
  if (summaries.length === 0) return undefined;
  return resultsOf("vitest", {
    passed: counted(summaries, "passed"),
    failed: counted(summaries, "failed"),
    skipped: counted(summaries, "skipped", "todo"),
    failedNames: names(text, /^ FAIL {2}\S+ > (.+)$/gm),
    skippedNames: [],
  });
};

const unittest: Reader = (text) => {
  const ran = all(text, /^Ran (\d+) tests? in [\d.]+s$/gm);
  if (ran.length === 0) return undefined;
  const verdicts = names(text, /^(?:OK|FAILED|NO TESTS RAN)(.*)$/gm);
  // `(failures=1, expected failures=1)`: each word is one after a bracket or a comma.
  const of = (word: string) =>
    sum(verdicts.flatMap((verdict) => all(verdict, new RegExp(`[(,] ?${word}=(\\d+)`, "g")).map((match) => match[1])));
  const failed = of("failures") + of("errors") + of("unexpected successes");
  const skipped = of("skipped") + of("expected failures");
  return resultsOf("unittest", {
    ...{ passed: Math.max(0, sum(ran.map((match) => match[1])) - failed - skipped), failed, skipped },
    failedNames: names(text, /^(?:FAIL|ERROR|UNEXPECTED SUCCESS): \S+ \((.+)\)$/gm),
    skippedNames: names(text, /^\S+ \((.+)\)(?:\n.*)? \.\.\. skipped/gm),
  });
};

const PYTEST =
  /^(?:=+ )?((?:no tests ran|no tests collected|\d+ (?:passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|tests? collected|\/\d+ tests)).*?) in [\d.]+s(?: \([\d:]+\))?(?: =+)?$/gm;

const pytest: Reader = (text) => {
  const summaries = names(text, PYTEST);
  if (summaries.length === 0) return undefined;
  const listed = summaries.some((summary) => /\btests? collected\b/.test(summary));
  return resultsOf("pytest", {
    passed: counted(summaries, "passed", "xpassed"),
    failed: counted(summaries, "failed", "errors?"),
    skipped: counted(summaries, "skipped", "xfailed"),
    failedNames: names(text, /^(?:FAILED|ERROR) (\S+::.+?)(?: - .*)?$/gm),
    skippedNames: names(text, /^SKIPPED \[\d+\] (.+)$/gm),
    ...(listed ? { state: "listed" as const } : {}),
  });
};

const cargo: Reader = (text) => {
  const summaries = names(text, /^test result: \w+\. (.+)$/gm);
  if (summaries.length === 0) return undefined;
  return resultsOf("cargo", {
    passed: counted(summaries, "passed"),
    failed: counted(summaries, "failed"),
    skipped: counted(summaries, "ignored"),
    failedNames: names(text, /^test (.+) \.\.\. FAILED$/gm),
    skippedNames: names(text, /^test (.+) \.\.\. ignored/gm),
  });
};

/** Subtests are their tests' own; packages without tests are no results. */
const go: Reader = (text) => {
  const packages = all(text, /^(ok|FAIL)[ \t]+(\S+)[ \t]+(?:[\d.]+s|\(cached\)|\[build failed\])(.*)$/gm);
  const without = /^\?[ \t]+\S+[ \t]+\[no test files\]$/m.test(text);
  if (packages.length === 0 && !without) return undefined;
  const named = (word: string) => names(text, new RegExp(`^--- ${word}: (\\S+) \\(`, "gm"));
  const [passed, failed, skipped] = [named("PASS"), named("FAIL"), named("SKIP")];
  const tested = packages.some(([, word, , more]) => word === "ok" && !more!.includes("[no tests to run]"));
  const broken = packages.filter(([, word]) => word === "FAIL");
  return resultsOf("go", {
    passed: passed.length > 0 ? passed.length : tested ? null : 0,
    failed: failed.length > 0 ? failed.length : broken.length,
    skipped: skipped.length,
    failedNames: failed.length > 0 ? failed : broken.map((match) => match[2]!),
    skippedNames: skipped,
  });
};

/** Printed instead of written to a file. */
const junit: Reader = (text) => {
  const at = text.search(/^[ \t]*<testsuites?[\s>]/m);
  return at < 0 ? undefined : parseJunit(text.slice(at));
};

const readers: Reader[] = [bun, node, jest, vitest, unittest, pytest, cargo, go, junit];

/** The results of every runner that is heard in the output. Colours are looked through. */
export function parseTestOutput(output: string): TestResults[] {
  const text = Bun.stripANSI(output).replaceAll("\r\n", "\n");
  return readers.flatMap((read) => read(text) ?? []);
}
