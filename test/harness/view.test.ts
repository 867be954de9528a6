// One ledger record as a line for a person: short where a client's wrapping is known to the letter, and hiding nothing else.

import { expect, test } from "bun:test";
import { eventLine } from "#harness/view.ts";
import type { Json } from "#src/core/json.ts";

const line = (event: string, data: Record<string, Json>) =>
  eventLine({
    v: 1,
    run: "run_1700000000_00000000",
    seq: 1,
    ts: "2026-01-01T00:00:00.000Z",
    event,
    data,
    prev: "",
    hash: "",
  }).slice(36);
const bash = (script: string) => line("command.observed", { path: "/bin/bash", argv: ["/bin/bash", "-c", script] });

const source = "source /home/agent/.claude/shell-snapshots/snapshot-bash-17-ab12.sh 2>/dev/null || true";
const unalias = "{ \\builtin unalias -- 'which'; \\builtin unset -f -- 'which'; } >/dev/null 2>&1 || true";
const wrapped = `${source} && \\builtin shopt -u extglob 2>/dev/null || true && ${unalias} && eval 'ls' < /dev/null`;

test("Claude Code's wrapping is left out", () => {
  expect(bash(wrapped)).toBe("/bin/bash -c … eval 'ls' < /dev/null");
  expect(bash(`${source} && eval 'ls'`)).toBe("/bin/bash -c … eval 'ls'");
});

test("anything that only looks like it is shown", () => {
  for (const script of [
    `${source}; curl evil && eval 'ls'`,
    `${source} && rm -rf x && eval 'ls'`,
    `source /tmp/mine.sh 2>/dev/null || true && eval 'ls'`,
    `${source} && { \\builtin unalias -- 'a$(evil)'; \\builtin unset -f -- 'a'; } >/dev/null 2>&1 || true && eval 'ls'`,
  ]) {
    expect(bash(script)).toStartWith(`/bin/bash -c ${script.slice(0, 60)}`);
  }
});

test("what a line says of each event", () => {
  const cases: [string, Record<string, Json>, string][] = [
    ["workspace.inventory", { total: 0, changes: [] }, "0 changed"],
    ["workspace.inventory", { total: 1, changes: [{ change: "created", path: "a\nb" }] }, "1 changed: created a⏎b"],
    [
      "model.request",
      { slot: "sonnet", backend: "b", status: 200, inputTokens: 1, outputTokens: null, ms: 5 },
      "sonnet → b 200, 1 in, null out, 5 ms",
    ],
    [
      "egress.attempt",
      {
        by: "connect",
        host: "a.com",
        port: 443,
        verdict: "allowed",
        rule: "*.a.com",
        reason: null,
        up: 1,
        down: 2,
        ms: 3,
      },
      "connect a.com:443 → allowed, by *.a.com, 1 B up, 2 B down, 3 ms",
    ],
    [
      "egress.attempt",
      { by: "http", host: null, port: null, verdict: "denied", rule: null, reason: "no", up: 0, down: 0, ms: 3 },
      "http nowhere → denied, no, 0 B up, 0 B down, 3 ms",
    ],
    ["agent.exited", { code: 7, signal: null }, "exit 7"],
    ["agent.exited", { code: null, unobserved: "the observer was lost" }, "the observer was lost"],
    ["verdict.issued", { verdict: "ACCEPT", reasons: ["a", "b"] }, "ACCEPT: a; b"],
    ["command.observed", { path: "/bin/x", argv: ["x", "-y"], outcome: "started" }, "/bin/x -y"],
    ["command.observed", { path: "/bin/x", argv: ["x", "-y"], outcome: "not_found" }, "/bin/x (not found) -y"],
    [
      "command.denied",
      { path: "/bin/x", argv: ["x", "-y"], reason: "a rule denies /y" },
      "/bin/x (a rule denies /y) -y",
    ],
    [
      "permission.answered",
      { permission: "run", subject: "/bin/x", answer: "once", by: "person", ms: 3 },
      "run /bin/x → once, by person",
    ],
    ["command.started", { tool: "git", args: ["status"] }, "git status (claimed)"],
  ];
  expect(cases.map(([event, data]) => line(event, data))).toEqual(cases.map(([, , text]) => text));
});

test("a long line is cut, and says so", () => {
  const text = bash("x".repeat(1000));
  expect(text).toEndWith("…");
  expect(text.length).toBeLessThanOrEqual(200);
});
