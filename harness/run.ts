// One run from registration to verdict, as a table of contents: open, attempt (launch, observe, judge), act, close. The supervisor is the process
// that calls this; it holds the run's lock and is the only writer of the ledger. Each step is a file in run/.
// Does not stop: what the chosen profile allows (sandbox/README.md).

import type { Clock } from "#src/core/clock.ts";
import { BrokeError, exitCodeOf } from "#src/core/errors.ts";
import type { Home } from "#src/state/paths.ts";
import type { RunStore } from "#src/state/runs.ts";
import { requireSandbox } from "#sandbox/preflight.ts";
import type { AuditLog } from "./audit.ts";
import type { RunContract } from "./contract/contract.ts";
import { strictnessOf } from "./contract/terms.ts";
import { requireInstallation } from "./installation.ts";
import { actOnWork } from "./land.ts";
import type { ModelGateway, SlotName } from "./ports.ts";
import { deniedRoute, takeCredential } from "./routes.ts";
import { openAttempt } from "./run/attempt.ts";
import { runClient } from "./run/client.ts";
import { closeRun } from "./run/close.ts";
import { openGround } from "./run/ground.ts";
import { judge, judgeAttempt, type Judged } from "./run/judge.ts";
import { lookAfter } from "./run/look.ts";
import { openRun, type OpenRun } from "./run/open.ts";
import { requireCleanStart } from "./start-hooks.ts";
import { decideVerdict, exitOf, type Observed, type RunExit, type Verdict } from "./verdict/observed.ts";
import { INSTALLATION } from "./workspace.ts";

export type RunDeps = {
  home: Home;
  runs: RunStore;
  audit: AuditLog;
  keys: { sign: import("node:crypto").KeyObject };
  gateway: ModelGateway;
  slots: readonly SlotName[];
  /** Names of the keys the gateway works with; their values must never reach the ledger. */
  keyNames: readonly string[];
  secrets: string[];
  env: Record<string, string | undefined>;
  /** A key of ours by its name: what a route may lend. */
  keyOf(name: string): string | undefined;
  clock: Clock;
};

/** `notes` are for the operator and bear on nothing. */
export type RunResult = { notes: string[]; runId: string; verdict: Verdict; exit: RunExit; ledgerFile: string };

/** Exit code of a run that its operator's policy refused. */
const DENIED = 4;
/** Of a run that was never launched. */
const UNHEARD: Observed = { end: { kind: "exited", code: 0, signal: null }, warnings: [], inventoryComplete: false };

/** Runs the contract. Throws `BrokeError` when nothing was launched; after that every end is a result. */
export async function runHarness(deps: RunDeps, contract: RunContract): Promise<RunResult> {
  requireCleanStart(deps.env);
  requireSandbox();
  const installation = requireInstallation(INSTALLATION);
  const direct = takeCredential(contract, deps.keyOf, deps.env);
  using run = openRun(deps, contract, { installation, direct });
  const denied = deniedRoute(contract);
  if (denied !== undefined) {
    run.ledger.append("authority.expansion_denied", denied.record);
    const verdict = decideVerdict({ ...UNHEARD, findings: [denied.finding] }, strictnessOf(contract));
    return closeRun(run, { outcome: "failed", verdict, exit: { code: DENIED, source: "broke" } });
  }
  const { observed, verdict } = await work(run).catch((error: unknown): never => {
    closeFailed(run, error);
    throw error;
  });
  return closeRun(run, { outcome: "completed", verdict, exit: exitOf(observed, verdict.verdict) });
}

function closeFailed(run: OpenRun, error: unknown): void {
  const reason = error instanceof BrokeError ? error.message : "internal error";
  const nothing: Observed = { ...UNHEARD, end: { kind: "unobserved", reason } };
  const verdict = decideVerdict(nothing, strictnessOf(run.contract));
  closeRun(run, { outcome: "failed", verdict, exit: { code: exitCodeOf(error), source: "broke" } });
}

/** The worker's turn, what is made of it, and what follows for the work. */
async function work(run: OpenRun): Promise<Judged> {
  using ground = openGround(run);
  await using attempt = await openAttempt(run, ground);
  const ended = await runClient(run, ground, attempt);
  const seen = await lookAfter(run, ground, attempt, ended);
  const judged = await judgeAttempt(run, ground, attempt, seen);
  const { verdict } = judged.verdict;
  const acted = actOnWork(run.deps, run.contract, run.ledger, judged.observed.warnings, verdict);
  run.notes.push(...acted.notes);
  return judge(run, judged.observed, acted.findings);
}
