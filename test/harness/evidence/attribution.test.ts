// Which command is said to have changed what, and what nobody did.

import { describe, expect, test } from "bun:test";
import { attributeChanges, attributionFindings, type Tree } from "#harness/evidence/attribution.ts";
import { traceCommands } from "#harness/evidence/trace.ts";
import type { Change, Difference, Entry } from "#harness/inventory.ts";
import type { LedgerRecord } from "#harness/record.ts";
import type { Json } from "#src/core/json.ts";

const BEGAN = 1_800_000_000_000;

/** `[ms, event, data]`, in order. */
type Told = [ms: number, event: string, data: Record<string, Json>];
const records = (told: Told[]): LedgerRecord[] =>
  told.map(([ms, event, data], index) => ({
    ...{ v: 1, run: "run_1800000000_00000000", seq: index + 1, ts: new Date(BEGAN + ms).toISOString() },
    ...{ event, data, prev: "", hash: "" },
  }));
const began = (ms: number, pid: number, ...argv: string[]): Told =>
  [
    ...[ms, "command.observed"],
    { pid, at: BEGAN + ms, path: `/bin/${argv[0]}`, argv, outcome: "started" },
  ] as unknown as Told;
const ended = (ms: number, pid: number, code: number | null = 0, signal: number | null = null): Told => [
  ms,
  "command.ended",
  { ends: [{ pid, code, signal, at: BEGAN + ms, ms: 0 }] },
];
const exited = (ms: number): Told => [ms, "agent.exited", { code: 0, signal: null }];

const entry = (ms: number, kind: Entry["kind"] = "file"): Entry => ({
  ...{ kind, mode: 0o100644, size: 1, stamp: "", linked: false, changedMs: BEGAN + ms },
});
type Changed = [path: string, change: Change["change"], ms: number, kind?: Entry["kind"]];

/** Who is said to have done each: the record of the command, "client" or "nobody". */
function explained(told: Told[], changes: Changed[], standing: [string, number][] = [], rootMs = -1000) {
  const differences: Difference[] = changes.map(([path, change, ms, kind]) => ({
    ...{ path, change, entry: entry(ms, kind), old: change === "created" ? undefined : entry(-1000) },
  }));
  const listed = changes.map(([path, change]): Change => ({
    ...{ path, change, kind: "file", size: 1, sha256: null, target: null },
  }));
  const entries = new Map([
    ...standing.map(([path, ms]) => [path, entry(ms, "dir")] as const),
    ...changes
      .filter(([, change]) => change !== "deleted")
      .map(([path, , ms, kind]) => [path, entry(ms, kind)] as const),
  ]);
  const tree: Tree = { after: { entries, complete: true, bytes: 0 }, rootMs: BEGAN + rootMs, sinceMs: BEGAN - 600 };
  const attribution = attributeChanges(differences, listed, traceCommands(records(told)).windows, tree);
  const by = attribution.changes.map(({ by }) => (by.command === null ? "nobody" : by.client ? "client" : by.command));
  return { by, findings: attributionFindings(attribution).map(({ reason }) => reason) };
}

describe("a change is explained by", () => {
  const run: Told[] = [
    ...[began(0, 10, "claude"), began(1000, 11, "make"), began(1100, 12, "cc", "-o", "a.o"), ended(1200, 12)],
    ...[ended(2000, 11), exited(5000)],
  ];

  test.each([
    ["the narrowest command that was going on", ["made", "created", 1150], 3],
    ["the one around it when that was over", ["made", "created", 1500], 2],
    ["the client, whose own tools need no command", ["made", "created", 3000], "client"],
    ["the one that names it before a narrower one", ["x/make", "created", 1150], 2],
    ["nobody, made before the client began", ["made", "created", -500], "nobody"],
    ["nobody, made after it was gone", ["made", "modified", 5500], "nobody"],
    ["a command whose clock was a tick ahead of the file's", ["made", "created", -10], "client"],
  ] as [string, Changed, number | string][])("%s", (_, change, by) => {
    expect(explained(run, [change]).by).toEqual([by] as never);
  });

  test("what is deleted left its time in the folder that is still there", () => {
    const told = explained(run, [["d/gone", "deleted", -1000]], [["d", 1150]]);
    const old = explained(run, [["d/gone", "deleted", -1000]], [["d", -500]]);
    const whole = explained(run, [["d/e/gone", "deleted", -1000]], [], 1150);
    expect([told.by, old.by, whole.by]).toEqual([[3], ["nobody"], [3]] as never);
  });

  test("what was moved with its folder has its old time, and the folder's new one", () => {
    const moved: Changed[] = [
      ["to", "created", 1150, "dir"],
      ["to/f", "created", -900],
    ];
    expect(explained(run, moved).by).toEqual([3, 3] as never);
  });

  test("what no command explains is a finding that names it, however many there are", () => {
    const many = Array.from({ length: 7 }, (_, index): Changed => [`f${index}`, "modified", 9000]);
    expect(explained(run, many).findings).toEqual([
      'no command explains 7 of the changes: "f0", "f1", "f2", "f3", "f4"',
    ]);
    expect(explained(run, [["a", "created", 10]]).findings).toEqual([]);
  });
});

describe("the trace", () => {
  const traced = (...told: Told[]) =>
    traceCommands(records(told)).commands.map(({ argv, code, signal, ms }) => [argv[0], code, signal, ms]);

  test("has how each ended; a program that another replaces ends with it, and what lived on has no end", () => {
    expect(
      traced(began(0, 1, "sh"), began(10, 2, "a"), ended(15, 2, 3), began(20, 1, "b"), began(30, 3, "c"), exited(50)),
    ).toEqual([
      ["sh", null, null, null],
      ["a", 3, null, 5],
      ["b", null, null, null],
      ["c", null, null, null],
    ]);
    expect(traced(began(0, 1, "a"), ended(7, 1, null, 9))).toEqual([["a", null, 9, 7]]);
  });

  test("an end that is told late is not that of the next one with the number", () => {
    expect(traced(began(0, 1, "a"), began(20, 1, "b"), ended(10, 1, 4))).toEqual([
      ["a", null, null, null],
      ["b", null, null, null],
    ]);
  });

  test("what was not found, or was not let run, explains nothing", () => {
    const missing: Told = [0, "command.observed", { pid: 1, at: BEGAN, argv: ["x"], outcome: "not_found" }];
    expect(traceCommands(records([missing, [0, "command.denied", { pid: 1 }]])).windows).toEqual([]);
  });
});
