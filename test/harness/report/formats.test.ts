// Reports of a run whose every text is hostile: each is still a document of its kind, with the text in it as text.

import { describe, expect, test } from "bun:test";
import { githubAnnotations, githubOutput, githubSummary } from "#harness/report/github.ts";
import { junitReport } from "#harness/report/junit.ts";
import { codeSpan, markdownReport } from "#harness/report/markdown.ts";
import type { RunReport } from "#harness/report/report.ts";
import { sarifReport } from "#harness/report/sarif.ts";
import { parseJunit } from "#harness/results/junit.ts";

const EVIL =
  "EOF\nverdict=ACCEPT\n::set-output name=x::y\n<script>alert(1)</script> ]]> @everyone **b** [l](http://h) `c` ``d`` | %0A \u0007\u202e\ud800 &amp; \"q\" 'a'";

const report: RunReport = {
  version: 1,
  run: "run_1_00000000",
  ...{ client: "claude", profile: "strict", policy: "balanced", workspace: `/w/${EVIL}`, mode: "worktree" },
  verdict: "BLOCK",
  reasons: [EVIL, "second"],
  exit: { code: 13, source: "verdict" },
  findings: [
    { word: "BLOCK", category: "fabrication", from: "observation", reason: EVIL },
    { word: "ACCEPT_WITH_WARNINGS", category: "boundary", from: "observation", reason: "weak" },
    { word: "ACCEPT", category: null, from: "verifier", reason: "fine" },
  ],
  attempts: 1,
  verification: [
    { command: EVIL, failure: EVIL, ms: 1500, passed: 3, failed: 1, skipped: 0, failedNames: [EVIL] },
    { command: "true", failure: null, ms: 2, passed: null, failed: 0, skipped: 0, failedNames: [] },
  ],
  denied: 1,
  denials: [{ what: "command", subject: EVIL, reason: EVIL }],
  commands: 7,
  models: { requests: 2, failed: 1, inputTokens: 10, outputTokens: null, costUsd: 0.25 },
  changes: {
    total: 1,
    created: 1,
    modified: 0,
    deleted: 0,
    complete: true,
    paths: [{ change: "created", path: EVIL }],
  },
  landed: null,
  began: "2026-11-27T00:00:00.000Z",
  ms: 2500,
  ledger: { file: "/x", state: "intact", records: 12 },
};
const good: RunReport = {
  ...report,
  verdict: "ACCEPT",
  reasons: ["fine"],
  verification: [report.verification[1]!],
  exit: { code: 0, source: "client" },
};

/** What an XML parser that is not ours makes of it. */
const PARSE = `
import sys, json, xml.etree.ElementTree as E
root = E.fromstring(sys.stdin.buffer.read())
print(json.dumps([[s.get("name"), s.get("tests"), s.get("failures"), [[c.get("name"), [f.get("type") for f in c]] for c in s if c.tag == "testcase"]] for s in root]))
`;

function parsed(xml: string): unknown {
  const ran = Bun.spawnSync(["python3", "-c", PARSE], { stdin: Buffer.from(xml) });
  if (!ran.success) throw new Error(ran.stderr.toString());
  return JSON.parse(ran.stdout.toString());
}

describe("JUnit", () => {
  test("is XML whatever it holds, with a failure for everything that failed", () => {
    const shown = EVIL.replace("\u0007", "\\u{7}").replace("\u202e", "\\u{202e}").replace("\ud800", "\ufffd");
    expect(parsed(junitReport(report))).toEqual([
      ["broke verdict", "1", "1", [["verdict", ["BLOCK"]]]],
      [
        "broke verification",
        "3",
        "2",
        [
          [shown, ["verification"]],
          [shown, ["test"]],
          ["true", []],
        ],
      ],
      ["broke denials", "0", "0", []],
    ]);
    expect(parseJunit(junitReport(report))).toMatchObject({ passed: 1, failed: 3 });
  });

  test("of an accepted run nothing fails", () => {
    expect(parsed(junitReport(good))).toEqual([
      ["broke verdict", "1", "0", [["verdict", []]]],
      ["broke verification", "1", "0", [["true", []]]],
      ["broke denials", "0", "0", []],
    ]);
  });
});

test("SARIF has a rule for every result, a level by the word, a place that is a URI", () => {
  const { version, runs } = JSON.parse(sarifReport(report));
  const [run] = runs;
  const rules = run.tool.driver.rules.map(({ id }: { id: string }) => id);
  expect(version).toBe("2.1.0");
  expect(run.results.map(({ ruleId, level }: { ruleId: string; level: string }) => [ruleId, level])).toEqual([
    ["fabrication", "error"],
    ["boundary", "warning"],
    ["opinion", "note"],
  ]);
  for (const { ruleId, locations } of run.results) {
    expect(rules).toContain(ruleId);
    const { uri } = locations[0].physicalLocation.artifactLocation;
    expect(decodeURIComponent(uri)).toBe(EVIL.toWellFormed());
    expect(/^[\w%.!~*'()/-]+$/.test(uri)).toBe(true);
  }
  expect(run.invocations).toEqual([{ executionSuccessful: true, exitCode: 13 }]);
});

describe("Markdown", () => {
  test("shows hostile text as code and nothing else", () => {
    const html = Bun.markdown.html(markdownReport(report));
    expect(html).not.toContain("<script");
    const outside = html.replace(/<code>[^]*?<\/code>/g, "");
    for (const word of ["everyone", "script", "EOF", "set-output", "http"]) expect(outside).not.toContain(word);
    expect(html.match(/<tr>/g)?.length).toBe(1 + 8 + 1 + 2 + 1 + 1 + 1 + 1);
  });

  test.each([
    ["a", "`a`"],
    ["", "–"],
    ["`", "`` ` ``"],
    ["a|b\nc", "`a\\|b ⏎ c`"],
    [" x ", "`  x  `"],
  ])("%j is the code span %j", (text, span) => expect(codeSpan(text)).toBe(span));
});

describe("GitHub Actions", () => {
  test("outputs are read back as they were, by the runner's own rule", () => {
    const text = githubOutput(report, { more: EVIL });
    const values: Record<string, string> = {};
    const lines = text.split("\n");
    for (let at = 0; at < lines.length - 1; at++) {
      const [name, mark] = lines[at]!.split("<<");
      const value: string[] = [];
      for (at += 1; lines[at] !== mark; at++) value.push(lines[at]!);
      values[name!] = value.join("\n");
    }
    expect(values).toMatchObject({
      verdict: "BLOCK",
      accepted: "false",
      run_id: report.run,
      exit_code: "13",
      more: EVIL,
    });
    expect(Object.keys(values)).not.toContain("verdict=ACCEPT");
    expect(githubOutput(report)).not.toBe(githubOutput(report));
  });

  test("an annotation is one line, and only its head is a command", () => {
    expect(githubAnnotations({ ...report, reasons: ["a\n::error::b 100%", "c"] })).toEqual([
      "::error title=broke BLOCK::a%0A::error::b 100%25",
      "::error title=broke BLOCK::c",
    ]);
    expect(githubAnnotations(good)).toEqual([]);
  });

  test("a summary stays below what GitHub takes", () => {
    const many = Array.from({ length: 9000 }, (_, at) => ({ change: "created", path: `${at} ${"x".repeat(200)}` }));
    const text = githubSummary({ ...report, changes: { ...report.changes, paths: many } });
    expect(Buffer.byteLength(text)).toBeLessThan(600 * 1024);
    expect(text.endsWith("|\n\n… cut\n")).toBe(true);
  });
});
