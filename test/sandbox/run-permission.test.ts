// Program permissions on the command line, and what is decided by them: words, contradictions, and every way a file can be on a list.

import { describe, expect, test } from "bun:test";
import type { ExecTarget } from "#sandbox/exec-target.ts";
import { noAskFlags, noListFlags } from "#sandbox/permission-flags.ts";
import { narrowRun, parseRunPermission, type RunPermission } from "#sandbox/run-permission.ts";
import { anyProgram, makeRunDecision, type RunRules } from "#sandbox/run-rules.ts";
import { parseShebang } from "#sandbox/shebang.ts";
import { seeded } from "#test/support/random.ts";

const parse = (flags: Partial<typeof noListFlags>, ask: Partial<typeof noAskFlags> = {}) =>
  parseRunPermission({ ...noListFlags, ...flags }, { ...noAskFlags, ...ask });
const none = { allow: [], deny: [], ask: [] };

describe("what the flags mean", () => {
  test.each([
    ["nothing", {}, {}, undefined],
    ["everything", { any: true }, {}, undefined],
    ["everything and a list", { any: true, allow: ["git"] }, {}, undefined],
    [
      "a list",
      { allow: ["git,./x", "git", "/usr/bin/ls"] },
      {},
      { ...none, others: "deny", allow: ["git", "./x", "/usr/bin/ls"] },
    ],
    ["a denial", { deny: ["git"] }, {}, { ...none, others: "allow", deny: ["git"] }],
    [
      "a denial beside a list",
      { allow: ["ls"], deny: ["git"] },
      {},
      { others: "deny", allow: ["ls"], deny: ["git"], ask: [] },
    ],
    ["nothing at all", { denyAll: true }, {}, { ...none, others: "deny" }],
    ["questions for all", {}, { any: true }, { ...none, others: "ask" }],
    ["questions for all but a list", { allow: ["ls"] }, { any: true }, { ...none, others: "ask", allow: ["ls"] }],
    ["questions for some", {}, { list: ["git"] }, { ...none, others: "allow", ask: ["git"] }],
    [
      "questions for some, a list, nothing else",
      { allow: ["ls"] },
      { list: ["git"] },
      { ...none, others: "deny", allow: ["ls"], ask: ["git"] },
    ],
  ] as const)("%s", (_, flags, ask, permission) => {
    expect(parse(flags as never, ask as never) as unknown).toEqual(permission);
  });

  const hint = "programs are git, ./build.sh, /usr/bin/python3";
  test.each([
    ["an empty word", { allow: ["git,,ls"] }, {}, "--allow-run: a program is missing", hint],
    ["a wildcard", { deny: ["git-*"] }, {}, '--deny-run: "git-*" is not a program: there are no wildcards', hint],
    ["a control character", { deny: ["a\u001b[2J"] }, {}, "--deny-run: is not a program's name", hint],
    ["allowed and denied", { allow: ["git"], deny: ["git"] }, {}, '--deny-run: "git" is both allowed and denied', hint],
    ["asked and denied", { deny: ["git"] }, { list: ["git"] }, '--deny-run: "git" is both allowed and denied', hint],
    [
      "asked and allowed",
      { allow: ["git"] },
      { list: ["git"] },
      '--ask-run: "git" is both allowed and asked for',
      hint,
    ],
    [
      "denied altogether and one allowed",
      { denyAll: true, allow: ["git"] },
      {},
      "--deny-run without a program denies every program",
      "leave out the other options about programs",
    ],
    [
      "all allowed and all asked",
      { any: true },
      { any: true },
      "--allow-run and --ask-run both name every program",
      "leave one of them out",
    ],
  ] as const)("%s is refused", (_, flags, ask, message, way) => {
    expect(() => parse(flags as never, ask as never)).toThrow(
      expect.objectContaining({ kind: "usage", message, hint: way }),
    );
  });
});

describe("what is decided", () => {
  const file = (id: string) => ({ id, stamp: "1", path: `/${id}`, runnable: true });
  const found = (...ids: string[]): ExecTarget => ({ kind: "found", files: ids.map(file) });
  const unknown: ExecTarget = { kind: "unknown", files: [file("a")] };
  const absent: ExecTarget = { kind: "absent" };
  const rules = (changes: Partial<RunRules>): RunRules => ({ ...anyProgram, ...changes });
  const deny = (reason: string) => ({ kind: "deny", reason });
  const ask = (...ids: string[]) => ({ kind: "ask", files: ids.map((id) => ({ id, stamp: "1", path: `/${id}` })) });
  const allow = { kind: "allow" };
  const list = rules({ others: "deny", allowed: ["a", "i"], asked: ["q"], hidden: ["/usr/bin/x"] });
  const untold = "what it would run could not be told";

  test.each([
    ["no rules", anyProgram, found("a"), allow],
    ["no rules, nothing there", anyProgram, absent, { kind: "absent", hold: false }],
    ["no rules, not to be told", anyProgram, unknown, allow],
    ["denied", rules({ denied: ["b"] }), found("b"), deny("a rule denies /b")],
    ["another than the denied", rules({ denied: ["b"] }), found("a"), allow],
    ["a script of a denied interpreter", rules({ denied: ["b"] }), found("a", "b"), deny("a rule denies /b")],
    ["the cover of a denied one", rules({ mask: "m" }), found("m"), deny("a rule denies /m")],
    ["denied, not to be told", rules({ denied: ["b"] }), unknown, allow],
    [
      "denied and allowed",
      rules({ others: "deny", allowed: ["a"], denied: ["a"] }),
      found("a"),
      deny("a rule denies /a"),
    ],
    ["denied and asked", rules({ asked: ["a"], denied: ["a"] }), found("a"), deny("a rule denies /a")],
    ["on the list", list, found("a", "i"), allow],
    ["not on the list", list, found("b"), deny("no rule allows /b")],
    ["on the list, its interpreter not", list, found("a", "b"), deny("no rule allows /b")],
    ["not on the list, its interpreter is", list, found("b", "i"), deny("no rule allows /b")],
    ["a list, not to be told", list, unknown, deny(untold)],
    ["a list, nothing there", list, absent, { kind: "absent", hold: true }],
    ["asked beside a list", list, found("q", "i"), ask("q")],
    ["asked beside a list, its interpreter on none", list, found("q", "b"), deny("no rule allows /b")],
    ["all asked", rules({ others: "ask", allowed: ["i"] }), found("b", "c", "i"), ask("b", "c")],
    ["all asked, allowed", rules({ others: "ask", allowed: ["a"] }), found("a"), allow],
    ["all asked, not to be told", rules({ others: "ask" }), unknown, deny(untold)],
    ["some asked", rules({ asked: ["q"] }), found("a", "q"), ask("q")],
    ["some asked, not to be told", rules({ asked: ["q"] }), unknown, deny(untold)],
    ["some asked, another", rules({ asked: ["q"] }), found("a"), allow],
  ] as [string, RunRules, ExecTarget, unknown][])("%s", (_, given, target, verdict) => {
    expect(makeRunDecision(given)(target, "/asked") as unknown).toEqual(verdict);
  });

  test("a program that is not shown is denied, not merely absent", () => {
    expect(makeRunDecision(list)(absent, "/usr/bin/x") as unknown).toEqual(deny("no rule allows it"));
  });
});

test.each([
  ["#!/bin/sh\n", { interpreter: "/bin/sh", argument: null }],
  ["#! \t/usr/bin/env  node \nmore", { interpreter: "/usr/bin/env", argument: "node" }],
  ["#!/usr/bin/env -S node --x\n", { interpreter: "/usr/bin/env", argument: "-S node --x" }],
  ["#!/bin/ärger\n", { interpreter: "/bin/ärger", argument: null }],
  ["#!/bin/sh\0-x", { interpreter: "/bin/sh", argument: null }],
  ["#!/bin/sh", { interpreter: "/bin/sh", argument: null }],
  ["#!\n/bin/sh", undefined],
  ["\u007fELF", undefined],
  ["", undefined],
])("the first line %j", (text, script) => {
  expect(parseShebang(Buffer.from(text))).toEqual(script);
});

describe("one permission within another", () => {
  const words = ["git", "ls", "./x", "/usr/bin/ls"];
  const order = ["allow", "ask", "deny"];
  const sayOf = (permission: RunPermission | undefined, word: string) => {
    if (permission === undefined) return "allow";
    const named = (["deny", "ask", "allow"] as const).find((say) => permission[say].includes(word));
    return named ?? permission.others;
  };

  test("by chance: every word, and what is on no list, is what the stricter of both says", () => {
    const random = seeded(20_261_127);
    const some = (): RunPermission | undefined => {
      if (random.chance(0.1)) return undefined;
      const lists = words.map(() => random.below(4));
      const on = (index: number) => words.filter((_, at) => lists[at] === index);
      return { others: random.pick(["allow", "ask", "deny"] as const), allow: on(0), ask: on(1), deny: on(2) };
    };
    for (let round = 0; round < 3_000; round++) {
      const [outer, inner] = [some(), some()];
      const both = narrowRun(outer, inner);
      for (const word of [...words, "unnamed"]) {
        const strictest = Math.max(...[outer, inner].map((each) => order.indexOf(sayOf(each, word))));
        expect(sayOf(both, word)).toBe(order[strictest] as "allow" | "ask" | "deny");
      }
    }
  });
});
