// What the operator says to a verdict that waits for it. Said once: the first word holds, the same one again finishes what it began, another one is
// refused. The word is in the table before anything is done, and in the launch audit once it is: whoever is killed in between leaves it to be said again.
// Does not stop: the operator from landing or discarding by hand what was not decided.

import type { KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import type { Clock } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import { isGoing, type RunStore } from "#src/state/runs.ts";
import type { AuditLog } from "./audit.ts";
import { hashContract } from "./contract/terms.ts";
import { type Landing, landRun, readContract } from "./land.ts";
import { workFolder } from "./overlay-mode.ts";
import { ledgerRecords } from "./ledger-lines.ts";
import { type RunView, readRun } from "./view.ts";
import { discardTree } from "./work-tree.ts";

export const decisions = ["accept", "retry", "broad", "block"] as const;
export type DecisionWord = (typeof decisions)[number];

const spelled: Record<string, DecisionWord> = {
  ...{ accept: "accept", land: "accept", retry: "retry", retry_narrow: "retry", narrow: "retry" },
  ...{ broad: "broad", retry_broad: "broad", block: "block", discard: "block" },
};

/** The decision a word means, the verdicts' own words among them. Throws `usage`. */
export function decisionOf(given: string): DecisionWord {
  const found = Object.hasOwn(spelled, given.toLowerCase()) ? spelled[given.toLowerCase()] : undefined;
  if (found !== undefined) return found;
  const guess = nearest(given, Object.keys(spelled));
  throw new BrokeError(
    "usage",
    "not a decision",
    guess === undefined ? `use one of: ${decisions.join(", ")}` : `did you mean ${guess}?`,
  );
}

export type DecideDeps = {
  home: Home;
  runs: RunStore;
  audit: AuditLog;
  keys: { verify: KeyObject };
  clock: Clock;
};

const WAITING: ReadonlySet<string | null> = new Set(["ESCALATE", "RETRY_NARROW", "RETRY_BROAD"]);

/** A run that is over, as its intact ledger has it. Throws `busy` and `denied` otherwise. */
export function requireEnded({ home, runs, keys }: Omit<DecideDeps, "audit">, runId: string): RunView {
  const run = readRun(home, runs, keys.verify, runId);
  const { row, verification } = run;
  if (isGoing(row.status))
    throw new BrokeError("busy", "the run is still going on", "wait until it is over, or `broke harness reconcile`");
  if (verification.state !== "intact")
    throw new BrokeError("denied", `the run's ledger is ${verification.state}`, "`broke harness verify` says where");
  return run;
}

/** One whose verdict waits for the operator. Throws `denied` otherwise. */
export function requireWaiting(deps: Omit<DecideDeps, "audit">, runId: string): RunView {
  const run = requireEnded(deps, runId);
  const { verdict, status } = run.row;
  if (WAITING.has(verdict)) return run;
  throw new BrokeError("denied", `there is nothing to decide: ${verdict ?? status}`, "`broke harness show` says why");
}

/** The contract as the ledger knows it. Throws `denied` for another one. */
export function registeredContract(home: Home, runId: string) {
  const { contract: file, ledger } = runPaths(home, runId);
  const contract = readContract(file);
  for (const { event, data } of ledgerRecords(ledger)) {
    if (event === "run.registered" && data.contract_sha256 === hashContract(contract)) return contract;
  }
  throw new BrokeError("denied", "the run's contract is not the one it was registered with", "launch it anew");
}

/** Takes the word for a run. Throws `denied` when another one was said; returns whether it was done already. */
export function claimDecision({ runs }: { runs: RunStore }, runId: string, word: DecisionWord): { done: boolean } {
  if (runs.decide(runId, word)) return { done: false };
  const said = runs.get(runId)?.decision;
  if (said?.word !== word)
    throw new BrokeError("denied", `it was decided already: ${said?.word ?? "by somebody else"}`);
  return { done: said.doneMs !== null };
}

/** Puts a decision that was carried out on record. */
export function recordDecision(
  { audit, runs, clock }: DecideDeps,
  runId: string,
  word: DecisionWord,
  of: string | null,
): void {
  audit.append(runId, "work.decided", { word, verdict: of });
  runs.decided(runId, clock());
}

export type Decided = { word: DecisionWord; already: boolean; landing: Landing | null };

/**
 * Accepts or blocks a run's work. Nothing lands twice: what was taken over is found to be there. What cannot be taken over changes nothing, and leaves
 * the run undecided.
 */
export function decideRun(
  deps: DecideDeps,
  runId: string,
  word: "accept" | "block",
  opened: readonly string[],
): Decided {
  const { row } = requireWaiting(deps, runId);
  const { mode } = registeredContract(deps.home, runId);
  const { done } = claimDecision(deps, runId, word);
  if (done) return { word, already: true, landing: null };
  let landing: Landing | null = null;
  try {
    if (mode !== "direct" && word === "accept") landing = landRun(deps, runId, opened);
    if (mode !== "direct" && word === "block" && existsSync(workFolder(runPaths(deps.home, runId)))) {
      discardTree(deps.home, runId);
      deps.audit.append(runId, "work.discarded", { mode });
    }
  } catch (error) {
    if (error instanceof BrokeError && error.kind !== "busy") deps.runs.undecide(runId);
    throw error;
  }
  recordDecision(deps, runId, word, row.verdict);
  return { word, already: false, landing };
}
