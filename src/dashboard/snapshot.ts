// What the page shows, from what is known: runs with the state a person would call it, and what to do about it. Pure.

import { isGoing, type RunRow } from "#src/state/runs.ts";

/** What is read of a run beside its row. `supervised`: its supervisor lives. `mode` as the governor last said it; `lines` its newest events. */
export type RunFacts = { row: RunRow; supervised: boolean; mode: string; lines: string[] };

export type SlotFacts = { slot: string; backend: string | null; kind: "attempts" | "refused"; why: string };

export type RunCard = {
  id: string;
  client: string;
  profile: string;
  workspace: string;
  createdMs: number;
  status: RunRow["status"];
  verdict: string | null;
  state: string;
  live: boolean;
  blocked: boolean;
  attention: boolean;
  /** What a person would do next; null: nothing. */
  advice: string | null;
  /** What may be done from here. */
  acts: string[];
  lines: string[];
};

export type Snapshot = {
  generation: number;
  frozen: boolean;
  gateway: { running: boolean; url: string | null };
  summary: { active: number; blocked: number; attention: number; stale: number };
  runs: RunCard[];
  slots: SlotFacts[];
};

type Told = Pick<RunCard, "state" | "blocked" | "attention" | "advice">;

const calm = (state: string): Told => ({ state, blocked: false, attention: false, advice: null });
const alarm = (state: string, advice: string): Told => ({ state, blocked: false, attention: true, advice });

function goingState({ row, supervised, mode }: RunFacts): Told {
  if (!supervised) return alarm("Stale record", "broke harness reconcile");
  if (mode === "verification_only")
    return { ...alarm("Paused for proof", "let it run its tests, or clear what holds it"), blocked: true };
  if (mode === "blocked") return { ...alarm("Blocked", `broke harness clear ${row.id}`), blocked: true };
  if (row.status === "interrupted") return alarm("Interrupted", `broke harness resume ${row.id}`);
  return calm(row.status === "registered" ? "Starting" : "Running");
}

function endedState({ row: { id, status, verdict, decision } }: RunFacts): Told {
  if (status === "failed_launch") return alarm("Failed launch", "broke doctor");
  if (status === "abandoned") return alarm("Abandoned", `broke harness verify ${id}`);
  if (verdict === "ESCALATE" && decision === null) return alarm("Waits for you", `broke harness decide ${id}`);
  return calm(verdict === null ? "Recorded" : verdict);
}

function cardOf(facts: RunFacts): RunCard {
  const { row, supervised, mode, lines } = facts;
  const { id, client, profile, workspace, createdMs, status, verdict } = row;
  const live = isGoing(status) && supervised;
  const held = mode !== "open";
  const acts = live ? [status === "interrupted" ? "resume" : "interrupt", held ? "clear" : "force-verify", "kill"] : [];
  const told = isGoing(status) ? goingState(facts) : endedState(facts);
  return { id, client, profile, workspace, createdMs, status, verdict, live, acts, lines, ...told };
}

/** The whole page's content. */
export function snapshotOf(
  known: Pick<Snapshot, "generation" | "frozen" | "gateway" | "slots"> & { runs: readonly RunFacts[] },
): Snapshot {
  const runs = known.runs.map(cardOf);
  const count = (wanted: (card: RunCard) => boolean) => runs.filter(wanted).length;
  const summary = {
    active: count(({ live }) => live),
    blocked: count(({ blocked }) => blocked),
    attention: count(({ attention }) => attention),
    stale: count(({ state }) => state === "Stale record"),
  };
  const { generation, frozen, gateway, slots } = known;
  return { generation, frozen, gateway, summary, runs, slots };
}
