// The table of runs: what exists, how it ended, and the head of each ledger as it was at its last checkpoint.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import type { Db } from "./database.ts";

/**
 * `registered`, then `launched` once its client runs; `interrupted` and `resumed` by its operator; in the end `completed`, `failed_launch` (nothing
 * was launched), or `abandoned` (its supervisor could not see it to its end, or its record is not what was written).
 */
export const runStatuses = [
  ...(["registered", "launched", "interrupted", "resumed"] as const),
  ...(["completed", "failed_launch", "abandoned"] as const),
] as const;
export type RunStatus = (typeof runStatuses)[number];

/** Whether a run in this state has not ended. */
export const isGoing = (status: RunStatus): boolean => runStatuses.indexOf(status) < runStatuses.indexOf("completed");

const rowSchema = v.object({
  id: v.string(),
  created_ms: v.number(),
  client: v.string(),
  profile: v.string(),
  workspace: v.string(),
  status: v.picklist(runStatuses),
  verdict: v.nullable(v.string()),
  head_seq: v.number(),
  head_hash: v.string(),
  decision: v.nullable(v.string()),
  decided_ms: v.nullable(v.number()),
});

export type RunRow = {
  id: string;
  createdMs: number;
  client: string;
  profile: string;
  workspace: string;
  status: RunStatus;
  verdict: string | null;
  head: { seq: number; hash: string };
  /** What the operator said to a verdict; `doneMs` null: it was begun, and is not known to be done. */
  decision: { word: string; doneMs: number | null } | null;
};

function toRun(row: unknown): RunRow {
  const parsed = v.safeParse(rowSchema, row);
  if (!parsed.success) throw new BrokeError("config", "a run in broke.db is damaged", "move broke.db away");
  const {
    created_ms: createdMs,
    head_seq: seq,
    head_hash: hash,
    decision: word,
    decided_ms: doneMs,
    ...rest
  } = parsed.output;
  return { ...rest, createdMs, head: { seq, hash }, decision: word === null ? null : { word, doneMs } };
}

export type RunStore = {
  add(run: Pick<RunRow, "id" | "createdMs" | "client" | "profile" | "workspace">): void;
  saveHead(id: string, head: RunRow["head"]): void;
  setStatus(id: string, status: RunStatus, verdict: string | null): void;
  /** Says what is decided, where nothing is yet; returns whether it was the first to. */
  decide(id: string, word: string): boolean;
  /** Takes back a decision that came to nothing, or says that it is done. */
  undecide(id: string): void;
  decided(id: string, doneMs: number): void;
  get(id: string): RunRow | undefined;
  /** Newest first. */
  list(): RunRow[];
};

/** The store on an open database. */
export function openRuns(db: Db): RunStore {
  const insert = db.query(
    `INSERT INTO runs (id, created_ms, client, profile, workspace, status, verdict, head_seq, head_hash)
     VALUES (?, ?, ?, ?, ?, 'registered', NULL, 0, '')`,
  );
  // Never backwards: a head is a promise about how long the ledger is.
  const head = db.query("UPDATE runs SET head_seq = ?, head_hash = ? WHERE id = ? AND head_seq < ?");
  const status = db.query("UPDATE runs SET status = ?, verdict = ? WHERE id = ?");
  const decide = db.query("UPDATE runs SET decision = ? WHERE id = ? AND decision IS NULL");
  const undecide = db.query("UPDATE runs SET decision = NULL WHERE id = ? AND decided_ms IS NULL");
  const decided = db.query("UPDATE runs SET decided_ms = ? WHERE id = ? AND decision IS NOT NULL");
  const one = db.query("SELECT * FROM runs WHERE id = ?");
  const all = db.query("SELECT * FROM runs ORDER BY created_ms DESC, id DESC");
  return {
    add: (run) => void insert.run(run.id, run.createdMs, run.client, run.profile, run.workspace),
    saveHead: (id, at) => void head.run(at.seq, at.hash, id, at.seq),
    setStatus: (id, to, verdict) => void status.run(to, verdict, id),
    decide: (id, word) => decide.run(word, id).changes > 0,
    undecide: (id) => void undecide.run(id),
    decided: (id, doneMs) => void decided.run(doneMs, id),
    get(id) {
      const row = one.get(id);
      return row === null ? undefined : toRun(row);
    },
    list: () => all.all().map(toRun),
  };
}
