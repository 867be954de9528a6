// Closes runs whose supervisor died: a run that is not closed and whose lock nobody holds. What was signed must still verify; what comes
// after the last signature is kept as it is and said to be unsigned.
// Does not stop: edits of the unsigned tail made before reconciling.

import { closeSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import type { KeyObject } from "node:crypto";
import type { Clock } from "#src/core/clock.ts";
import { makeRedactor } from "#src/core/text.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import type { RunRow, RunStore } from "#src/state/runs.ts";
import { dropProcessGroup } from "#sandbox/cgroup.ts";
import { clearRun } from "./cleanup.ts";
import { clientOf } from "./clients.ts";
import { Ledger } from "./ledger.ts";
import { takeLock } from "./lock.ts";
import { GENESIS } from "./record.ts";
import { parseLedger, verifyLedger } from "./verify.ts";

export type ReconcileDeps = { home: Home; runs: RunStore; keys: { sign: KeyObject; verify: KeyObject }; clock: Clock };
export type Reconciled = { runId: string; outcome: "abandoned" | "tampered" | "closed" };

// A line that was being written when the supervisor died: set aside, never guessed at.
function cutTornLine(file: string, text: string): string {
  const end = text.lastIndexOf("\n") + 1;
  if (end === text.length) return text;
  writeFileSync(`${file}.torn`, text.slice(end), { mode: 0o600 });
  truncateSync(file, Buffer.byteLength(text.slice(0, end)));
  return text.slice(0, end);
}

/** The ledger's text; empty when the supervisor died before it wrote any. */
function readText(file: string): string {
  if (!existsSync(file)) return "";
  return cutTornLine(file, readFileSync(file, "utf8"));
}

function reconcileRun(deps: ReconcileDeps, row: RunRow): Reconciled["outcome"] {
  const paths = runPaths(deps.home, row.id);
  clearRun(deps, row, clientOf(row.client).keep);
  dropProcessGroup(row.id);
  const text = readText(paths.ledger);
  const { state } = verifyLedger(text, row.id, deps.keys.verify, row.head);
  if (state === "tampered") {
    deps.runs.setStatus(row.id, "failed", row.verdict);
    return "tampered";
  }
  const last = parseLedger(text).records.at(-1);
  if (last?.event === "run.completed") {
    deps.runs.saveHead(row.id, { seq: last.seq, hash: last.hash });
    const outcome = last?.data.outcome === "failed" ? "failed" : "completed";
    deps.runs.setStatus(row.id, outcome, row.verdict);
    return "closed";
  }
  using ledger = new Ledger({
    file: paths.ledger,
    run: row.id,
    key: deps.keys.sign,
    clock: deps.clock,
    redact: makeRedactor(),
    saveHead: (head) => deps.runs.saveHead(row.id, head),
    // Registered, and killed before there was a ledger: then this is its first record.
    ...(existsSync(paths.ledger) ? { from: { seq: last?.seq ?? 0, hash: last?.hash ?? GENESIS } } : {}),
  });
  ledger.append("run.completed", {
    outcome: "abandoned",
    exit_code: null,
    exit_source: "broke",
    unsigned: (last?.seq ?? 0) - row.head.seq,
  });
  deps.runs.setStatus(row.id, "abandoned", null);
  return "abandoned";
}

/** Reconciles every run that is not closed. A second call finds nothing to do. */
export function reconcileRuns(deps: ReconcileDeps): Reconciled[] {
  const results: Reconciled[] = [];
  for (const row of deps.runs.list()) {
    if (row.status !== "registered" && row.status !== "running") continue;
    const lock = takeLock(runPaths(deps.home, row.id).lock);
    if (lock === undefined) continue;
    try {
      results.push({ runId: row.id, outcome: reconcileRun(deps, row) });
    } finally {
      closeSync(lock);
    }
  }
  return results;
}
