// Sends the worker of a run that is over back: a run of its own goes on in its tree and its session, or begins again, with what was objected to and what the
// operator says. A run is sent back once; after that its successor is.

import { existsSync } from "node:fs";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import { readArtifact } from "./artifacts/store.ts";
import type { RunContract } from "./contract/contract.ts";
import { claimDecision, type DecideDeps, recordDecision, registeredContract, requireWaiting } from "./decide.ts";
import { traceCommands } from "./evidence/trace.ts";
import { ledgerRecords } from "./ledger-lines.ts";
import { holdEnded } from "./lock.ts";
import { workFolder } from "./overlay-mode.ts";
import { type Objection, objectionSchema, objectionText } from "./objections.ts";
import { type RunDeps, runHarness, type RunResult } from "./run.ts";
import { readStart } from "./run/start.ts";
import { treeWorkedOn } from "./work-tree.ts";

/** What the last attempt of a run was objected to for. */
function objectionsIn(home: Home, runId: string): Objection[] {
  const { ledger, artifacts } = runPaths(home, runId);
  let name: string | undefined;
  for (const { event, data } of ledgerRecords(ledger)) {
    if (event === "attempt.ended") name = typeof data.objections === "string" ? data.objections : undefined;
  }
  const text = name === undefined ? undefined : readArtifact(artifacts, name)?.toString("utf8");
  const parsed = v.safeParse(v.array(objectionSchema), text === undefined ? undefined : parseJson(text));
  return parsed.success ? parsed.output : [];
}

const workedSchema = v.array(v.object({ fromMs: v.number(), toMs: v.number() }));

/** When a run's worker worked, and those that it went on from. */
function workedIn(home: Home, runId: string): v.InferOutput<typeof workedSchema> {
  const { ledger } = runPaths(home, runId);
  const earlier = [...ledgerRecords(ledger)].find(({ event }) => event === "run.continues")?.data.worked;
  const own = traceCommands(ledgerRecords(ledger)).windows.filter(({ client }) => client);
  const parsed = v.safeParse(workedSchema, earlier ?? []);
  return [...(parsed.success ? parsed.output : []), ...own.map(({ fromMs, toMs }) => ({ fromMs, toMs }))];
}

const nothingToSay = new BrokeError(
  "usage",
  "there is nothing in its verdict that the worker could do something about",
  "say it with --say TEXT",
);

function requireRetriable(contract: RunContract, kind: "narrow" | "broad"): void {
  const { client, task, mode, route } = contract;
  const refuse = (why: string, hint: string): never => {
    throw new BrokeError("denied", why, hint);
  };
  if (route === "provider_direct") refuse("its worker was lent a key, for that run alone", "launch it anew");
  if (task === null && client !== "exec" && kind === "broad")
    refuse("it was given no task to begin again with", "launch it anew");
  if (mode === "direct" && kind === "broad")
    refuse("it worked in the workspace itself, which cannot be made clean again", "launch it anew");
}

/**
 * Runs the successor. `said` are the operator's own words. Throws `denied` where the run was decided about in another way, or sent back already,
 * `busy` while somebody else does something with it; a launch that fails before anything was taken over leaves the run as it was.
 */
export async function retryRun(
  deps: RunDeps & DecideDeps,
  runId: string,
  { kind, said }: { kind: "narrow" | "broad"; said: string | undefined },
): Promise<RunResult> {
  const { row } = requireWaiting(deps, runId);
  const contract = registeredContract(deps.home, runId);
  requireRetriable(contract, kind);
  using _held = holdEnded(deps.home, runId);
  const word = kind === "narrow" ? "retry" : "broad";
  if (claimDecision(deps, runId, word).done)
    throw new BrokeError("denied", "it was sent back already", "`broke harness list` shows the run that went on");
  const paths = runPaths(deps.home, runId);
  try {
    const objections = objectionsIn(deps.home, runId);
    if (objections.length === 0 && said === undefined) throw nothingToSay;
    if (kind === "narrow") readStart(deps.home, runId, treeWorkedOn(deps.home, contract, runId));
    const turn = { number: 1, kind, objections, text: objectionText(kind, objections, said) } as const;
    const result = await runHarness(deps, contract, {
      of: runId,
      head: row.head,
      turn,
      worked: workedIn(deps.home, runId),
    });
    recordDecision(deps, runId, word, row.verdict);
    return result;
  } catch (error) {
    if (contract.mode === "direct" || (existsSync(paths.origin) && existsSync(workFolder(paths))))
      deps.runs.undecide(runId);
    throw error;
  }
}
