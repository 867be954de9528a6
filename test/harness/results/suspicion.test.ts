// Testing less is found out: by the command's own words, by what its results lack, and by comparison with the tree before.

import { describe, expect, test } from "bun:test";
import { countAssertions, isTestFile, lostAssertions } from "#harness/results/assertions.ts";
import { resultsOf, type TestResults } from "#harness/results/results.ts";
import { listingWord, suspicionsOf } from "#harness/results/suspicion.ts";

const bun = (found: Partial<Omit<TestResults, "runner">>) => resultsOf("bun", found);
const said = (after: TestResults[], before?: TestResults[]) =>
  suspicionsOf(after, before).map(({ category, reason }) => `${category}: ${reason}`);

describe("a command that tests nothing", () => {
  test.each([
    [["pytest", "--collect-only"], "--collect-only"],
    [["npx", "jest", "--listTests"], "--listTests"],
    [["vitest", "run", "--passWithNoTests"], "--passWithNoTests"],
    [["make", "--version"], "--version"],
    [["go", "test", "-list=.*", "./..."], "-list=.*"],
    [["cargo", "test", "--no-run"], "--no-run"],
    [["cargo", "test", "--", "--list"], "--list"],
    [["pytest", "-q"], undefined],
    [["npm", "test"], undefined],
    [["cargo", "test", "--", "--nocapture"], undefined],
  ])("%p", (argv, word) => expect(listingWord(argv)).toBe(word));
});

describe("results", () => {
  const before = [bun({ passed: 8, failed: 2, failedNames: ["a", "b"] })];
  test.each([
    ["nothing found", [bun({})], undefined, ["suspicious_tests: bun: no test was found"]],
    ["only listed", [bun({ state: "listed" })], undefined, ["suspicious_tests: bun: tests were listed, not run"]],
    [
      "more than was read",
      [bun({ passed: 1, state: "partial" })],
      before,
      ["suspicious_tests: bun: more results than were read"],
    ],
    ["mended", [bun({ passed: 10 })], before, []],
    ["more tests", [bun({ passed: 12 })], before, []],
    ["fewer", [bun({ passed: 9 })], before, ["suspicious_tests: bun: 9 tests, 10 before"]],
    [
      "those that failed are deleted",
      [bun({ passed: 8 })],
      before,
      ["suspicious_tests: bun: 8 tests, 10 before", "fabrication: bun: tests that failed before are gone: a, b"],
    ],
    [
      "those that failed are skipped",
      [bun({ passed: 8, skipped: 2, skippedNames: ["a", "b"] })],
      before,
      ["suspicious_tests: bun: 2 more tests are skipped: a, b"],
    ],
    ["the runner is silent", [], before, ["suspicious_tests: bun: ran before, and is not heard of now"]],
    [
      "another runner instead",
      [resultsOf("jest", { passed: 10 })],
      before,
      ["suspicious_tests: bun: ran before, and is not heard of now"],
    ],
    ["what did not run before is no measure", [bun({ passed: 1 })], [bun({})], []],
    [
      "a runner that does not say how many",
      [resultsOf("go", { passed: null })],
      [resultsOf("go", { passed: null })],
      [],
    ],
  ] as [string, TestResults[], TestResults[] | undefined, string[]][])("%s", (_, after, earlier, findings) => {
    expect(said(after, earlier)).toEqual(findings);
  });
});

describe("assertions", () => {
  test.each([
    ["src/a.test.ts", "expect(a).toBe(1); assert.equal(1, 1);\n// expect(b)\n/* expect(c) */", 2],
    ["test/a.js", "assert(x); t.is(1, 1)", 2],
    ["tests/test_a.py", "assert x == 1\nself.assertEqual(a, b)\nwith pytest.raises(E):\n# assert y", 3],
    ["pkg/a_test.go", 't.Errorf("x"); require.NoError(t, err)', 2],
    ["src/lib.rs", "assert_eq!(1, 1); assert!(x); #[should_panic]", 3],
    ["src/a.ts", "expect(a).toBe(1)", undefined],
    ["README.md", "assert", undefined],
  ] as [string, string, number | undefined][])("%s", (path, text, count) => {
    expect([countAssertions(path, text), isTestFile(path)] as unknown[]).toEqual([count, count !== undefined]);
  });

  test("what is lost is named", () => {
    const lost = lostAssertions([
      { path: "a.test.ts", before: "expect(1); expect(2)", after: "expect(1)" },
      { path: "b.test.ts", before: "expect(1)", after: null },
      { path: "c.test.ts", before: "expect(1)", after: "expect(1); expect(2)" },
      { path: "src/d.ts", before: "expect(1)", after: null },
    ]);
    expect(lost.map(({ category, reason }) => [category, reason])).toEqual([
      ["suspicious_tests", "a.test.ts: 1 assertions, 2 before"],
      ["suspicious_tests", "b.test.ts was deleted, with 1 assertions"],
    ]);
  });
});
