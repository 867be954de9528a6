// One run from registration to verdict, as a table of contents: open, attempt (launch, observe, judge), act, close. The supervisor is the process
// that calls this; it holds the run's lock and is the only writer of the ledger. Each step is a file in run/.
// Does not stop: what the chosen profile allows (sandbox/README.md).

import type { Clock } from "#src/core/clock.ts";
import { BrokeError, exitCodeOf } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import type { Home } from "#src/state/paths.ts";
import type { RoleStore } from "#src/state/roles.ts";
import type { RunStore } from "#src/state/runs.ts";
import { requireSandbox } from "#sandbox/preflight.ts";
import type { AuditLog } from "./audit.ts";
import type { RunContract } from "./contract/contract.ts";
import { strictnessOf } from "./contract/terms.ts";
import { requireInstallation } from "./installation.ts";
import { actOnWork } from "./land.ts";
import type { Answer, Question } from "./question.ts";
import type { Roles } from "./roles/told.ts";
import type { Talk } from "./supervise.ts";
import { objectionsOf } from "./objections.ts";
import type { StoredJudged } from "./judged.ts";
import type { ModelGateway, SlotName } from "./ports.ts";
import { deniedRoute, takeCredential } from "./routes.ts";
import { openAttempt } from "./run/attempt.ts";
import { runClient } from "./run/client.ts";
import { closeRun } from "./run/close.ts";
import { type Ground, openGround } from "./run/ground.ts";
import { judge, judgeAttempt, type Judged } from "./run/judge.ts";
import { lookAfter } from "./run/look.ts";
import { type Continued, openRun, type OpenRun } from "./run/open.ts";
import { keepStart } from "./run/start.ts";
import { firstTurn, nextTurn, type Turn } from "./run/turn.ts";
import { endOnSignal } from "./signals.ts";
import { requireCleanStart } from "./start-hooks.ts";
import type { Decision } from "./verdict/decide.ts";
import {
  decideVerdict,
  exitOf,
  findingsOf,
  type Observed,
  type RunExit,
  type Verdict,
  verdictOf,
} from "./verdict/observed.ts";
import { atLeast, isAccepted } from "./verdict/words.ts";
import { INSTALLATION } from "./workspace.ts";

export type RunDeps = {
  home: Home;
  runs: RunStore;
  roles: RoleStore;
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
  /** The number of the run to be, whose tree this process sees mounted (overlay-view.ts). */
  reserved?: string | undefined;
  /** What the audit says of the launch beside what it knows. */
  launchedAs?: Record<string, Json>;
  /** Puts a question of the run to a person who sits elsewhere than at a terminal of its own; undefined: nobody answered. */
  question?: (question: Question, over: AbortSignal) => Promise<Answer | undefined>;
  /** Talks with the client in place of whoever started us. */
  talk?: Talk;
  /** What was said of the work while it went on, by role; asked when the work is over. It replaces no reviewer that the run has. */
  opinions?: () => Roles;
};

/** `notes` are for the operator and bear on nothing. */
export type RunResult = { notes: string[]; runId: string; verdict: Verdict; exit: RunExit; ledgerFile: string };

/** Exit code of a run that its operator's policy refused. */
const DENIED = 4;
const TOLD = "it was told to end";
/** Of a run that was never launched. */
const UNHEARD: Observed = { end: { kind: "exited", code: 0, signal: null }, warnings: [], inventoryComplete: false };

/** Runs the contract. Throws `BrokeError` when nothing was launched; after that every end is a result. */
export async function runHarness(deps: RunDeps, contract: RunContract, continued?: Continued): Promise<RunResult> {
  requireCleanStart(deps.env);
  requireSandbox();
  const installation = requireInstallation(INSTALLATION);
  const direct = takeCredential(contract, deps.keyOf, deps.env);
  using run = openRun(deps, contract, { installation, direct, continued });
  const denied = deniedRoute(contract);
  if (denied !== undefined) {
    run.ledger.append("authority.expansion_denied", denied.record);
    const verdict = decideVerdict({ ...UNHEARD, findings: [denied.finding] }, strictnessOf(contract));
    return closeRun(run, { outcome: "failed", verdict, exit: { code: DENIED, source: "broke" } });
  }
  const { observed, decision } = await work(run).catch((error: unknown): never => {
    closeFailed(run, error);
    throw error;
  });
  const verdict = verdictOf(decision);
  return closeRun(run, { outcome: "completed", verdict, exit: exitOf(observed, verdict.verdict) });
}

function closeFailed(run: OpenRun, error: unknown): void {
  const reason = error instanceof BrokeError ? error.message : "internal error";
  const nothing: Observed = { ...UNHEARD, end: { kind: "unobserved", reason } };
  const verdict = decideVerdict(nothing, strictnessOf(run.contract));
  closeRun(run, { outcome: "failed", verdict, exit: { code: exitCodeOf(error), source: "broke" } });
}

/** The worker's turns, what is made of each, and what follows for the work of the last. */
async function work(run: OpenRun): Promise<Judged> {
  using ground = openGround(run);
  run.supervision.onKilled(() => ground.end(TOLD));
  using _end = endOnSignal((signal) => ground.end(TOLD, signal));
  for (let turn: Turn = run.continued?.turn ?? firstTurn; ;) {
    const { judged, next } = await takeTurn(run, ground, turn);
    if (next !== undefined) {
      if (next.kind === "broad") ground.renew();
      turn = next;
      continue;
    }
    const { verdict } = judged.decision;
    if (!isAccepted(verdict) && (verdict !== "BLOCK" || run.contract.mode === "direct"))
      keepStart(run, await ground.start([]), ground.tree.path);
    const retries = turn.number - 1;
    const acted = actOnWork(run.deps, run.contract, run.ledger, judged.observed.warnings, verdict);
    run.notes.push(...acted.notes);
    const final = judge(run, judged.observed, acted.findings, { retries, evidence: judged.evidence });
    keepJudged(run, final.observed, retries);
    return final;
  }
}

/** What the verdict was made of, for whoever asks for it once more. */
function keepJudged({ artifacts, contract }: OpenRun, observed: Observed, used: number): void {
  const { policy, risk, retries, retryBudget = null, required = [] } = strictnessOf(contract, used);
  const judged = { policy, risk, retries, retryBudget, required: [...required] };
  const value: StoredJudged = { ...judged, findings: findingsOf(observed), roles: observed.roles ?? {} };
  artifacts.put({ kind: "judged", class: "inference", content: { kind: "json", value } });
}

/** What is objected to, for whoever sends the worker back later; the artifact's name. */
function keepObjections({ artifacts }: OpenRun, { contributions }: Decision): string | null {
  const value = objectionsOf(contributions);
  if (value.length === 0) return null;
  return artifacts.put({ kind: "objections", class: "inference", content: { kind: "json", value } })?.sha256 ?? null;
}

/** The worker as one of the roles. */
function recordWorker({ deps, ledger, contract }: OpenRun, { decision, evidence }: Judged): void {
  const { verdict, reasons } = decision;
  deps.roles.record({
    ...{ role: "worker", slot: null, backend: contract.client, run: ledger.run, verdict, contribution: evidence },
    reason: atLeast(verdict, "RETRY_NARROW") ? (reasons[0] ?? verdict) : null,
  });
}

/** One turn of the worker, judged; `next` is the one that follows. */
async function takeTurn(run: OpenRun, ground: Ground, turn: Turn): Promise<{ judged: Judged; next?: Turn }> {
  await using attempt = await openAttempt(run, ground, turn);
  const ended = await runClient(run, ground, attempt);
  const seen = await lookAfter(run, ground, attempt, ended);
  const judged = await judgeAttempt(run, ground, attempt, seen);
  const { terminal } = attempt;
  const { decision } = judged;
  const situation = { contract: run.contract, decision, number: turn.number, terminal, over: ground.over() };
  const { turn: next, why } = nextTurn(situation);
  run.ledger.append("attempt.ended", {
    ...{ attempt: turn.number, verdict: decision.verdict, categories: decision.categories },
    ...{ next: next?.kind ?? null, why: why ?? null, objections: keepObjections(run, decision) },
  });
  recordWorker(run, judged);
  if (why !== undefined) run.notes.push(`no further turn of the worker: ${why}`);
  return next === undefined ? { judged } : { judged, next };
}
