// Closes runs whose supervisor died: a run that is not closed and whose lock nobody holds. What was signed must still verify; what comes
// after the last signature is kept as it is and said to be unsigned. Then launches that the audit has no end of get one.
// Does not stop: edits of the unsigned tail made before reconciling.

import { closeSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import type { KeyObject } from "node:crypto";
import { BrokeError } from "#src/core/errors.ts";
import type { Clock } from "#src/core/clock.ts";
import { isRunId } from "#src/core/ids.ts";
import { makeRedactor } from "#src/core/text.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import { isGoing, type RunRow, type RunStore } from "#src/state/runs.ts";
import { dropLimitGroup } from "#sandbox/cgroup.ts";
import { readSweeps } from "./allowed.ts";
import { type AuditLog, type LaunchEnd, launchesOf } from "./audit.ts";
import { clearRun } from "./cleanup.ts";
import { removeTree } from "./client-home.ts";
import { clientOf } from "./clients.ts";
import { Ledger } from "./ledger.ts";
import { isHeld, takeFolder, takeLock } from "./lock.ts";
import { clearTree } from "./work-tree.ts";
import { GENESIS } from "./record.ts";
import { after } from "./supervision/lifecycle.ts";
import { endLeftovers } from "./supervision/processes.ts";
import { controlSocket } from "./supervision/wire.ts";
import { sweepRecord, sweepWarnings } from "./sweep.ts";
import { takeWholeLines } from "./torn.ts";
import { parseLedger, verifyLedger } from "./verify.ts";
import { clearEnded } from "./writer.ts";

export type ReconcileDeps = {
  home: Home;
  runs: RunStore;
  audit: AuditLog;
  keys: { sign: KeyObject; verify: KeyObject };
  clock: Clock;
};
/** `kept` is the tree a run worked on, where it has one of its own. */
export type Reconciled = {
  runId: string;
  /** `unregistered`: it ended before it was anything, and its folder is gone. `cleared`: it was closed, and what it had left of itself in its workspace is gone. `damaged`: what it left of itself cannot be worked with, as `reason` says; it stays as it is. */
  outcome: "abandoned" | "tampered" | "closed" | "damaged" | "unregistered" | "cleared";
  kept?: string;
  reason?: string;
};

/** The ledger's text; empty when the supervisor died before it wrote any. */
function readText(file: string): string {
  if (!existsSync(file)) return "";
  return takeWholeLines(file);
}

function reconcileRun(deps: ReconcileDeps, row: RunRow): "abandoned" | "tampered" | "closed" {
  const paths = runPaths(deps.home, row.id);
  endLeftovers(paths.processes);
  rmSync(controlSocket(deps.home, row.id), { force: true });
  const kept = clearTree(deps.home, row.id);
  clearRun(deps.home, row.id, clientOf(row.client).keep, { late: true });
  dropLimitGroup(row.id);
  const text = readText(paths.ledger);
  const { state } = verifyLedger(text, row.id, deps.keys.verify, row.head);
  if (state === "tampered") {
    deps.runs.setStatus(row.id, "abandoned", row.verdict);
    return "tampered";
  }
  const { records } = parseLedger(text);
  const last = records.at(-1);
  if (last?.event === "run.completed") {
    deps.runs.saveHead(row.id, { seq: last.seq, hash: last.hash });
    const act = last?.data.outcome === "failed" ? "fail" : "complete";
    const launched = records.some(({ event }) => event === "agent.launched");
    deps.runs.setStatus(row.id, after(launched ? "launched" : "registered", act)!, row.verdict);
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
  const sweep = readSweeps(paths);
  if ((sweep.total > 0 || sweep.unread.length > 0) && !records.some(({ event }) => event === "workspace.swept"))
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
  let text: string;
  try {
    text = readFileSync(ledger, "utf8");
  } catch {
    text = ""; // not there, or no file any more: then the table is what is left
  }
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
function completeLaunches(deps: ReconcileDeps, damaged: ReadonlySet<string>): string[] {
  const { records, verification } = deps.audit.read();
  if (verification.state === "incomplete") deps.audit.settle();
  const open = launchesOf(records).filter(({ run, end }) => end === null && !damaged.has(run));
  const over = open
    .map(({ run }) => ({ run, lock: runPaths(deps.home, run).lock }))
    .filter(({ lock }) => !existsSync(lock) || !isHeld(lock))
    .map(({ run }) => run);
  for (const run of over) deps.audit.append(run, "launch.ended", endOf(deps, run));
  return over;
}

const STARTING_MS = 60_000;

/** Folders of launches and rehearsals that were killed before they were registered: without a row and without a ledger they record nothing. */
function clearUnregistered(deps: ReconcileDeps): Reconciled[] {
  const cleared: Reconciled[] = [];
  for (const runId of readdirSync(deps.home.runs).filter(isRunId)) {
    const paths = runPaths(deps.home, runId);
    if (deps.runs.get(runId) !== undefined || existsSync(paths.ledger)) continue;
    if (deps.clock() - statSync(paths.root).mtimeMs < STARTING_MS) continue;
    const held: number[] = [];
    try {
      const folder = takeFolder(paths.root);
      if (folder === undefined) continue;
      held.push(folder);
      const lock = takeLock(paths.lock);
      if (lock === undefined) continue;
      held.push(lock);
      clearRun(deps.home, runId, [], { late: true });
      removeTree(Buffer.from(paths.root));
      cleared.push({ runId, outcome: "unregistered" });
    } catch (error) {
      cleared.push({ runId, outcome: "damaged", reason: reasonOf(error, paths.root) });
    } finally {
      for (const fd of held) closeSync(fd);
    }
  }
  return cleared;
}

/** Looks again where a run that is closed could not take its placeholders away. */
function clearLeftovers(deps: ReconcileDeps, { id, workspace }: RunRow): Reconciled | undefined {
  const paths = runPaths(deps.home, id);
  if (!existsSync(paths.placeholders)) return undefined;
  let lock: number | undefined;
  try {
    lock = takeLock(paths.lock);
    const cleared = lock === undefined ? undefined : clearEnded(deps, { id, workspace });
    if (cleared === undefined) return undefined;
    const { left, sweep } = cleared;
    const stuck = `${left.length} placeholders cannot be taken away from ${JSON.stringify(workspace)}`;
    const reason = [...(left.length > 0 ? [stuck] : []), ...sweepWarnings(sweep)].join("; ");
    return {
      ...{ runId: id, outcome: left.length > 0 ? "damaged" : "cleared" },
      ...(reason === "" ? {} : { reason }),
    };
  } catch (error) {
    return { runId: id, outcome: "damaged", reason: reasonOf(error, paths.root) };
  } finally {
    if (lock !== undefined) closeSync(lock);
  }
}

function reasonOf(error: unknown, root: string): string {
  if (error instanceof BrokeError) return error.message;
  const { code, path } = error as NodeJS.ErrnoException;
  return code === undefined ? `${root} is damaged` : `${path ?? root}: ${code}`;
}

/** Reconciles every run that is not closed. A second call finds nothing to do. */
export function reconcileRuns(deps: ReconcileDeps): Reconciled[] {
  const results: Reconciled[] = [];
  for (const row of deps.runs.list()) {
    if (!isGoing(row.status)) continue;
    const paths = runPaths(deps.home, row.id);
    if (!existsSync(paths.root)) {
      // Its record with it.
      deps.runs.setStatus(row.id, "abandoned", row.verdict);
      results.push({ runId: row.id, outcome: "tampered" });
      continue;
    }
    let lock: number | undefined;
    try {
      lock = takeLock(paths.lock);
      if (lock === undefined) continue;
      const outcome = reconcileRun(deps, row);
      const kept = clearTree(deps.home, row.id);
      results.push({ runId: row.id, outcome, ...(kept === undefined ? {} : { kept }) });
    } catch (error) {
      // One that is damaged keeps none of the others waiting.
      results.push({ runId: row.id, outcome: "damaged", reason: reasonOf(error, paths.root) });
    } finally {
      if (lock !== undefined) closeSync(lock);
    }
  }
  const known = new Set(results.map(({ runId }) => runId));
  for (const row of deps.runs.list()) {
    const cleared = known.has(row.id) || isGoing(row.status) ? undefined : clearLeftovers(deps, row);
    if (cleared !== undefined) results.push(cleared);
  }
  const damaged = new Set(results.filter(({ outcome }) => outcome === "damaged").map(({ runId }) => runId));
  for (const runId of completeLaunches(deps, damaged)) {
    if (!results.some((result) => result.runId === runId)) results.push({ runId, outcome: "closed" });
  }
  return [...results, ...clearUnregistered(deps)];
}
