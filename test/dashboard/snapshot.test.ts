// What a person would call a run, from its row, its supervisor and its governor.

import { describe, expect, test } from "bun:test";
import { type RunFacts, snapshotOf } from "#src/dashboard/snapshot.ts";

const row = (change: Partial<RunFacts["row"]> = {}): RunFacts["row"] => ({
  ...{ id: "run_1_00000001", createdMs: 0, client: "claude", profile: "strict", workspace: "/w" },
  ...{ status: "launched", verdict: null, head: { seq: 1, hash: "" }, decision: null },
  ...change,
});
const facts = (change: Partial<RunFacts> = {}): RunFacts => ({
  ...{ row: row(), supervised: true, mode: "open", lines: ["a line"] },
  ...change,
});
const page = (...runs: RunFacts[]) =>
  snapshotOf({ generation: 1, frozen: false, gateway: { running: false, url: null }, slots: [], runs });

describe("one run", () => {
  const cases: [string, RunFacts, object][] = [
    ["going", facts(), { state: "Running", live: true, acts: ["interrupt", "force-verify", "kill"], advice: null }],
    ["starting", facts({ row: row({ status: "registered" }) }), { state: "Starting", live: true }],
    [
      "held by its governor",
      facts({ mode: "verification_only" }),
      { state: "Paused for proof", blocked: true, attention: true, acts: ["interrupt", "clear", "kill"] },
    ],
    ["stopped by its governor", facts({ mode: "blocked" }), { state: "Blocked", blocked: true }],
    [
      "interrupted",
      facts({ row: row({ status: "interrupted" }) }),
      { state: "Interrupted", attention: true, acts: ["resume", "force-verify", "kill"] },
    ],
    [
      "whose supervisor is gone",
      facts({ supervised: false, mode: "verification_only" }),
      {
        state: "Stale record",
        live: false,
        blocked: false,
        attention: true,
        acts: [],
        advice: "broke harness reconcile",
      },
    ],
    ["never launched", facts({ row: row({ status: "failed_launch" }) }), { state: "Failed launch", attention: true }],
    ["abandoned", facts({ row: row({ status: "abandoned" }) }), { state: "Abandoned", attention: true }],
    [
      "that waits for a decision",
      facts({ row: row({ status: "completed", verdict: "ESCALATE" }) }),
      { state: "Waits for you", advice: "broke harness decide run_1_00000001" },
    ],
    [
      "that was decided",
      facts({ row: row({ status: "completed", verdict: "ESCALATE", decision: { word: "accept", doneMs: 1 } }) }),
      { state: "ESCALATE", attention: false },
    ],
    ["accepted", facts({ row: row({ status: "completed", verdict: "ACCEPT" }) }), { state: "ACCEPT", acts: [] }],
  ];
  test.each(cases)("%s", (_, given, wanted) => {
    expect(page(given).runs[0]).toMatchObject(wanted);
  });
});

test("one that is held counts as active, blocked and wanting attention; its lines are there", () => {
  const { summary, runs } = page(facts({ mode: "verification_only" }));
  expect(summary).toEqual({ active: 1, blocked: 1, attention: 1, stale: 0 });
  expect(runs[0]!.lines).toEqual(["a line"]);
});

test("three of different kinds are counted apart, each with what to do", () => {
  const mixed = page(facts(), facts({ mode: "verification_only" }), facts({ supervised: false }));
  expect(mixed.summary).toEqual({ active: 2, blocked: 1, attention: 2, stale: 1 });
  expect(mixed.runs.map(({ advice }) => advice === null)).toEqual([true, false, false]);
});
