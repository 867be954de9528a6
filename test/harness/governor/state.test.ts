// The governor's step, as a table of command sequences, and what holds for every sequence there is.

import { describe, expect, test } from "bun:test";
import { classes, type ClassWord } from "#harness/governor/classes.ts";
import type { Classified } from "#harness/governor/classify.ts";
import { thresholds } from "#harness/governor/policy.ts";
import { fresh, type GovernorEvent, type Mode, refusal, type State, step } from "#harness/governor/state.ts";
import { seeded } from "#test/support/random.ts";

const limits = { ...thresholds.balanced, writes: 4, risk: 10, failures: 2 };
const command = (
  word: ClassWord,
  more: Partial<Classified> = {},
  inside: "test" | "build" | null = null,
): GovernorEvent => ({
  kind: "command",
  command: { class: word, tool: "x", verb: null, real: false, deletesTests: false, commits: false, ...more },
  inside,
});
const verified = (green: boolean, proof = true): GovernorEvent => ({ kind: "verified", green, proof });
const says = (act: "force-verify" | "clear"): GovernorEvent => ({ kind: "operator", act });
const write = command("write");
const deletes = command("write", { tool: "rm", deletesTests: true });
const commits = command("vcs", { tool: "git", commits: true });
const removes = command("destructive", { tool: "rm" });

function play(events: GovernorEvent[], from: State = fresh, to = limits) {
  let state = from;
  const allowed: boolean[] = [];
  const news: string[] = [];
  for (const event of events) {
    const outcome = step(state, event, to);
    state = outcome.state;
    if (event.kind === "command") allowed.push(outcome.allowed);
    if (outcome.news !== null) news.push(outcome.news);
  }
  return { mode: state.mode, cause: state.cause, last: allowed.at(-1), news };
}

const rows: [name: string, events: GovernorEvent[], mode: Mode, last: boolean | undefined, cause?: string][] = [
  ["the operator's word holds it", [says("force-verify"), write], "verification_only", false, "operator"],
  ["and a green proof frees it", [says("force-verify"), verified(true), write], "open", true],
  [
    "a green end without a proof does not",
    [says("force-verify"), verified(true, false), write],
    "verification_only",
    false,
    "operator",
  ],
  ["the operator's other word frees it", [says("force-verify"), says("clear"), write], "open", true],
  ["also from a block", [deletes, commits, commits, says("clear"), write], "open", true],
  [
    "said twice it is held once",
    [says("force-verify"), says("force-verify"), write],
    "verification_only",
    false,
    "operator",
  ],
  [
    "what it was held for already stays",
    [write, write, write, write, says("force-verify")],
    "verification_only",
    true,
    "writes",
  ],
  ["reads count for nothing", Array.from({ length: 100 }, () => command("read")), "open", true],
  ["the write that reaches the limit still runs", [write, write, write, write], "verification_only", true, "writes"],
  ["the next one does not", [write, write, write, write, write], "verification_only", false, "writes"],
  ["a read does", [write, write, write, write, command("read")], "verification_only", true, "writes"],
  ["a test does", [write, write, write, write, command("test", { real: true })], "verification_only", true, "writes"],
  [
    "what a test starts does",
    [write, write, write, write, command("write", {}, "test")],
    "verification_only",
    true,
    "writes",
  ],
  [
    "what a build starts does not",
    [write, write, write, write, command("write", {}, "build")],
    "verification_only",
    false,
    "writes",
  ],
  ["a commit does not", [write, write, write, write, commits], "verification_only", false, "writes"],
  [
    "an unknown program does not",
    [write, write, write, write, command("unknown")],
    "verification_only",
    false,
    "writes",
  ],
  [
    "a green verification that the supervisor ran frees",
    [write, write, write, write, verified(true), write],
    "open",
    true,
  ],
  [
    "one that was only seen does not",
    [write, write, write, write, verified(true, false), write],
    "verification_only",
    false,
    "writes",
  ],
  ["a red one does not", [write, write, write, write, verified(false), write], "verification_only", false, "writes"],
  [
    "one that was seen green in time starts the count anew",
    [write, write, write, verified(true, false), write, write, write],
    "open",
    true,
  ],
  [
    "risk adds up",
    [command("opaque"), command("history"), command("privileged"), write],
    "verification_only",
    false,
    "risk",
  ],
  [
    "verification that fails again and again",
    [verified(false), verified(false), write],
    "verification_only",
    false,
    "failures",
  ],
  [
    "a green one between starts that count anew",
    [verified(false), verified(true), verified(false), write],
    "open",
    true,
  ],
  ["removing the whole tree is refused at once", [removes], "blocked", false, "tree_removed"],
  ["also inside a test", [command("destructive", { tool: "rm" }, "test")], "blocked", false, "tree_removed"],
  ["a clean is only counted", [command("destructive", { tool: "git" })], "open", true],
  ["tests deleted, then committed", [deletes, command("read"), commits], "blocked", false, "tests_deleted"],
  ["tests deleted, verified green, then committed", [deletes, verified(true), commits], "open", true],
  ["history rewritten twice", [command("history"), command("history")], "blocked", false, "history_rewritten"],
  ["blocked: reads run", [removes, command("read")], "blocked", true, "tree_removed"],
  ["blocked: not even tests", [removes, command("test", { real: true })], "blocked", false, "tree_removed"],
  ["blocked: nothing frees", [removes, verified(true), write], "blocked", false, "tree_removed"],
  [
    "a sequence while only verification may run",
    [write, write, write, write, removes],
    "blocked",
    false,
    "tree_removed",
  ],
];

describe("sequences", () => {
  for (const [name, events, mode, last, cause] of rows)
    test(name, () => expect(play(events)).toMatchObject({ mode, last: last!, cause: (cause ?? null) as never }));
});

test("the operator hears of each change once", () => {
  expect(play([write, write, write, write, write, verified(true), write]).news).toEqual([
    "warned",
    "restricted",
    "lifted",
  ]);
  expect(play([removes, removes, write]).news).toEqual(["blocked"]);
});

test("throughput does not block for a sequence the first time", () => {
  expect(play([removes], fresh, thresholds.throughput)).toMatchObject({ mode: "verification_only", last: false });
});

test("a stricter policy has no higher threshold", () => {
  const { throughput, balanced, high_assurance } = thresholds;
  for (const name of ["writes", "risk", "failures"] as const) {
    expect(throughput[name]).toBeGreaterThanOrEqual(balanced[name]);
    expect(balanced[name]).toBeGreaterThanOrEqual(high_assurance[name]);
  }
});

test("whatever happens: nothing but a green proof makes it laxer, and only what verifies runs meanwhile", () => {
  const random = seeded(7);
  const words = Object.keys(classes) as ClassWord[];
  const rank: Mode[] = ["open", "verification_only", "blocked"];
  for (let round = 0; round < 300; round++) {
    let state = fresh;
    for (let at = 0; at < 60; at++) {
      const event =
        random.below(6) === 0
          ? verified(random.below(2) === 0, random.below(2) === 0)
          : command(words[random.below(words.length)]!, {
              tool: random.below(4) === 0 ? "rm" : "x",
              deletesTests: random.below(8) === 0,
              commits: random.below(8) === 0,
            });
      const before = state;
      const outcome = step(before, event, limits);
      state = outcome.state;
      const frees = event.kind === "verified" && event.green && event.proof && before.mode !== "blocked";
      if (!frees) expect(rank.indexOf(state.mode)).toBeGreaterThanOrEqual(rank.indexOf(before.mode));
      if (event.kind === "command" && outcome.allowed && before.mode === "verification_only")
        expect(classes[event.command.class].verifying).toBe(true);
    }
  }
});

test("what an agent reads says why and what next, in one line", () => {
  const restricted: State = { ...fresh, mode: "verification_only", cause: "writes" };
  expect([
    refusal(restricted, "pytest -q"),
    refusal({ ...restricted, mode: "blocked", cause: "tree_removed" }, "x"),
  ]).toEqual([
    "broke: refused: too much was written since the last green verification. Until a verification is green, only commands that read or verify may run. Next: pytest -q",
    "broke: refused, this run is blocked: a command would remove the whole tree, or its history. Only commands that read may run. Stop, and say so.",
  ]);
});
