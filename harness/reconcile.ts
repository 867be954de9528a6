// Closes runs whose supervisor died: a run that is not closed and whose lock nobody holds. What was signed must still verify; what comes
// after the last signature is kept as it is and said to be unsigned. Then launches that the audit has no end of get one.
// Does not stop: edits of the unsigned tail made before reconciling.

import { closeSync, existsSync, readFileSync } from "node:fs";
import type { KeyObject } from "node:crypto";
import type { Clock } from "#src/core/clock.ts";
import { makeRedactor } from "#src/core/text.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import type { RunRow, RunStore } from "#src/state/runs.ts";
import { dropLimitGroup } from "#sandbox/cgroup.ts";
import { type AuditLog, type LaunchEnd, launchesOf } from "./audit.ts";
import { clearRun } from "./cleanup.ts";
import { clientOf } from "./clients.ts";
import { Ledger } from "./ledger.ts";
import { isHeld, takeLock } from "./lock.ts";
import { clearTree } from "./work-tree.ts";
import { GENESIS } from "./record.ts";
import { readSweep, sweepRecord } from "./sweep.ts";
import { takeWholeLines } from "./torn.ts";
import { parseLedger, verifyLedger } from "./verify.ts";

export type ReconcileDeps = {
  home: Home;
  runs: RunStore;
  audit: AuditLog;
  keys: { sign: KeyObject; verify: KeyObject };
  clock: Clock;
};
/** `kept` is the tree a run worked on, where it has one of its own. */
export type Reconciled = { runId: string; outcome: "abandoned" | "tampered" | "closed"; kept?: string };

/** The ledger's text; empty when the supervisor died before it wrote any. */
function readText(file: string): string {
  if (!existsSync(file)) return "";
  return takeWholeLines(file);
}

function reconcileRun(deps: ReconcileDeps, row: RunRow): Reconciled["outcome"] {
  const paths = runPaths(deps.home, row.id);
  const kept = clearTree(deps.home, row.id);
  clearRun(deps.home, row.id, clientOf(row.client).keep);
  dropLimitGroup(row.id);
  const text = readText(paths.ledger);
  const { state } = verifyLedger(text, row.id, deps.keys.verify, row.head);
  if (state === "tampered") {
    deps.runs.setStatus(row.id, "failed", row.verdict);
    return "tampered";
  }
  const { records } = parseLedger(text);
  const last = records.at(-1);
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
  const sweep = readSweep(paths.quarantine);
  if (sweep.total > 0 && !records.some(({ event }) => event === "workspace.swept"))
    ledger.append("workspace.swept", sweepRecord(sweep));
  if (kept !== undefined) ledger.append("workspace.kept", { tree: kept });
  ledger.append("run.completed", {
    outcome: "abandoned",
    exit_code: null,
    exit_source: "broke",
    unsigned: (last?.seq ?? 0) - row.head.seq,
  });
  deps.runs.setStatus(row.id, "abandoned", null);
  return "abandoned";
}

/** How a run ended, as far as what it left says so. */
function endOf(deps: ReconcileDeps, runId: string): LaunchEnd {
  const row = deps.runs.get(runId);
  const { ledger } = runPaths(deps.home, runId);
  const text = existsSync(ledger) ? readFileSync(ledger, "utf8") : "";
  const sound =
    row !== undefined && verifyLedger(text, runId, deps.keys.verify, row.head).state === "intact"
      ? parseLedger(text).records.at(-1)?.data
      : undefined;
  return {
    outcome: String(sound?.outcome ?? row?.status ?? "unknown"),
    verdict: row?.verdict ?? null,
    exit_code: typeof sound?.exit_code === "number" ? sound.exit_code : null,
    exit_source: String(sound?.exit_source ?? "broke"),
  };
}

/** Gives every launch whose run is over, and whose supervisor could not say so any more, its end. Returns the runs. */
function completeLaunches(deps: ReconcileDeps): string[] {
  const open = launchesOf(deps.audit.read().records).filter(({ end }) => end === null);
  const over = open
    .map(({ run }) => ({ run, lock: runPaths(deps.home, run).lock }))
    .filter(({ lock }) => !existsSync(lock) || !isHeld(lock))
    .map(({ run }) => run);
  for (const run of over) deps.audit.append(run, "launch.ended", endOf(deps, run));
  return over;
}

/** Reconciles every run that is not closed. A second call finds nothing to do. */
export function reconcileRuns(deps: ReconcileDeps): Reconciled[] {
  const results: Reconciled[] = [];
  for (const row of deps.runs.list()) {
    if (row.status !== "registered" && row.status !== "running") continue;
    const lock = takeLock(runPaths(deps.home, row.id).lock);
    if (lock === undefined) continue;
    try {
      const outcome = reconcileRun(deps, row);
      const kept = clearTree(deps.home, row.id);
      results.push({ runId: row.id, outcome, ...(kept === undefined ? {} : { kept }) });
    } finally {
      closeSync(lock);
    }
  }
  for (const runId of completeLaunches(deps)) {
    if (!results.some((result) => result.runId === runId)) results.push({ runId, outcome: "closed" });
  }
  return results;
}
