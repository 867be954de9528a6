// Results read from what the runners really print (bun, node:test, jest, vitest, unittest, pytest, cargo: taken from them; go: by its documentation), each
// for a suite with one test that passes, some that fail and some that are skipped, and for an empty one.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseJunit } from "#harness/results/junit.ts";
import { parseTestOutput } from "#harness/results/parse.ts";
import { MAX_NAMES, resultsOf } from "#harness/results/results.ts";

const folder = join(import.meta.dir, "..", "..", "cases", "test-results");
const textOf = (name: string) => readFileSync(join(folder, name), "utf8");
const [py, later] = [
  ["test_a.py::Sums::test_breaks", "test_a.py::Sums::test_fails"],
  ["is skipped", "later"],
];
const pytest = resultsOf("pytest", { passed: 1, failed: 2, skipped: 1, failedNames: py });

const printed: Record<string, ReturnType<typeof resultsOf>> = {
  "bun.txt": resultsOf("bun", { passed: 1, failed: 1, skipped: 2, failedNames: ["sums > fails"], skippedNames: later }),
  "bun-empty.txt": resultsOf("bun", {}),
  "node-spec.txt": resultsOf("node:test", {
    ...{ passed: 1, failed: 1, skipped: 2, failedNames: ["fails"], skippedNames: ["is skipped"] },
  }),
  "node-tap.txt": resultsOf("node:test", {
    ...{ passed: 1, failed: 1, skipped: 2, failedNames: ["fails"], skippedNames: later },
  }),
  "jest.txt": resultsOf("jest", {
    ...{ passed: 1, failed: 1, skipped: 2, failedNames: ["sums › fails"], skippedNames: later },
  }),
  "jest-empty.txt": resultsOf("jest", {}),
  "vitest.txt": resultsOf("vitest", { passed: 1, failed: 1, skipped: 2, failedNames: ["sums > fails"] }),
  "vitest-empty.txt": resultsOf("vitest", {}),
  "unittest.txt": resultsOf("unittest", {
    ...{ passed: 1, failed: 2, skipped: 1, failedNames: ["test_a.Sums.test_breaks", "test_a.Sums.test_fails"] },
  }),
  "unittest-expected.txt": resultsOf("unittest", { passed: 1, skipped: 1 }),
  "unittest-unexpected.txt": resultsOf("unittest", {
    ...{ passed: 1, failed: 2, skipped: 2, failedNames: ["test_a.T.test_fails", "test_a.T.test_mended"] },
  }),
  "unittest-empty.txt": resultsOf("unittest", {}),
  "pytest.txt": pytest,
  "pytest-q.txt": pytest,
  "pytest-empty.txt": resultsOf("pytest", {}),
  "pytest-collect.txt": resultsOf("pytest", { state: "listed" }),
  "cargo.txt": resultsOf("cargo", {
    ...{ passed: 1, failed: 1, skipped: 1, failedNames: ["tests::fails"], skippedNames: ["tests::later"] },
  }),
  "go-v.txt": resultsOf("go", {
    ...{ passed: 2, failed: 1, skipped: 1, failedNames: ["TestFails"], skippedNames: ["TestLater"] },
  }),
  "go.txt": resultsOf("go", { passed: null }),
};

const written: Record<string, ReturnType<typeof resultsOf>> = {
  "bun-junit.xml": resultsOf("junit", {
    ...{ passed: 1, failed: 1, skipped: 2, failedNames: ["sums fails"], skippedNames: later },
  }),
  "node-junit.xml": resultsOf("junit", {
    ...{
      passed: 1,
      failed: 1,
      skipped: 2,
      failedNames: ["test fails"],
      skippedNames: ["test is skipped", "test later"],
    },
  }),
  "vitest-junit.xml": resultsOf("junit", {
    ...{ passed: 1, failed: 1, skipped: 2, failedNames: ["a.test.js sums > fails"] },
    skippedNames: ["a.test.js sums > is skipped", "a.test.js sums > later"],
  }),
  "pytest-junit.xml": resultsOf("junit", {
    ...{ passed: 1, failed: 2, skipped: 1, failedNames: ["test_a.Sums test_breaks", "test_a.Sums test_fails"] },
    skippedNames: ["test_a.Sums test_skipped"],
  }),
};

test("every stored output is judged here", () => {
  expect(readdirSync(folder).sort()).toEqual([...Object.keys(printed), ...Object.keys(written)].sort());
});

describe("printed", () => {
  for (const [name, results] of Object.entries(printed)) {
    test(name, () => expect(parseTestOutput(textOf(name))).toEqual([results]));
    test(`${name}, with other line ends and in colour`, () => {
      const text = textOf(name)
        .split("\n")
        .map((line) => `\u001b[1m${line}\u001b[0m`)
        .join("\r\n");
      expect(parseTestOutput(text)).toEqual([results]);
    });
  }
});

describe("written as JUnit", () => {
  for (const [name, results] of Object.entries(written)) {
    test(name, () => expect(parseJunit(textOf(name))).toEqual(results));
  }
  test("totals that the file claims are nobody's word", () => {
    const xml =
      '<testsuites tests="99" failures="0"><testsuite tests="99"><testcase name="a"><failure/></testcase></testsuite></testsuites>';
    expect(parseJunit(xml)).toEqual(resultsOf("junit", { failed: 1, failedNames: ["a"] }));
  });
  test.each([
    ["a CDATA section", "<system-out><![CDATA[got <b>x</b> <error>boom</error>]]></system-out>", "passed"],
    ["a comment", "<!-- <failure/> <testcase name='b'/> -->", "passed"],
    ["what is raw in HTML", "<system-out><![CDATA[<html><script><title><textarea>]]></system-out>", "passed"],
    ["an element of it", "<system-out><failure/><testcase name='c'><error/></testcase></system-out>", "passed"],
    ["a tag that is none", "<system-out>a < b, vector<int> x, <a b='</system-out>", "passed"],
    ["an end in an attribute", "<properties><p v='</testcase>'/></properties><skipped/>", "skipped"],
    ["a section of its own", "<failure><![CDATA[<script> ]]>]]&gt;</failure>", "failed"],
  ])("what a case printed is nobody's result: %s", (_, inside, state) => {
    const xml = `<?xml version="1.0"?><testsuite><testcase name="a">${inside}</testcase><testcase name="z"><failure/></testcase></testsuite>`;
    const { passed, failed, skipped, failedNames } = parseJunit(xml)!;
    const counted = { passed: 0, failed: 1, skipped: 0 };
    counted[state as keyof typeof counted] += 1;
    expect({ passed, failed, skipped }).toEqual(counted);
    expect(failedNames).toEqual(state === "failed" ? ["a", "z"] : ["z"]);
  });
  test.each([
    "<a ",
    "<",
    "<!--",
    "<![CDATA[",
    "<a b='",
    '<a b="',
    "</a>",
    "<a>",
    "</b><a>",
    "<a b='' ",
    "   ",
    "<a   ",
  ])("read in time in proportion to its size: %j again and again", (piece) => {
    const began = performance.now();
    parseJunit(`<testsuite><testcase name="a">${piece.repeat((4 << 20) / piece.length)}`);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
  test("an empty suite, and what is none", () => {
    expect([parseJunit("<testsuites/>"), parseJunit("<html></html>"), parseJunit("")]).toEqual([
      resultsOf("junit", {}),
      undefined,
      undefined,
    ]);
  });
});

test("several runners in one output, and one runner several times", () => {
  const both = `${textOf("bun.txt")}\n${textOf("cargo.txt")}\n${textOf("cargo.txt")}`;
  expect(parseTestOutput(both)).toEqual([
    printed["bun.txt"]!,
    resultsOf("cargo", {
      ...{ passed: 2, failed: 2, skipped: 2, failedNames: ["tests::fails"], skippedNames: ["tests::later"] },
    }),
  ]);
});

test("what is no runner's is nothing", () => {
  for (const text of ["", "10 passed", "ok", "All tests passed!", "Tests: 3 passed", "12 pass\n0 fail"]) {
    expect(parseTestOutput(text)).toEqual([]);
  }
});

test("names are bounded, counts are not", () => {
  const lines = Array.from({ length: 2_000 }, (_, index) => `(fail) test ${index} [0.10ms]`);
  const [results] = parseTestOutput(
    `${lines.join("\n")}\n 0 pass\n 2000 fail\nRan 2000 tests across 1 file. [1.00ms]\n`,
  );
  expect([results!.failed, results!.failedNames.length]).toEqual([2_000, MAX_NAMES]);
});

test("a long output of any kind is read in time that grows with it", () => {
  const line = "collected 4 items / 4 deselected ".repeat(20);
  const text = `${line}\n`.repeat(5_000);
  const started = performance.now();
  parseTestOutput(text);
  expect(performance.now() - started).toBeLessThan(5_000);
});

test.each([
  ["blank lines", `# tests 1\n# cancelled 0\n${"\n".repeat(128 * 1024)}x`],
  ["one long path", `ok ${"/".repeat(128 * 1024)}\n`],
])("output made to be slow to read is not: %s", (_name, output) => {
  const began = performance.now();
  parseTestOutput(output);
  expect(performance.now() - began).toBeLessThan(2_000);
});
