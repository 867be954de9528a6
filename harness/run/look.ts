// What an attempt left, as the supervisor sees it once the client is gone: how it ended, what changed, what it used, what would run by itself.

import { lstatSync } from "node:fs";
import type { Json } from "#src/core/json.ts";
import type { SandboxEnd } from "#sandbox/launch.ts";
import type { Reached, RunLimits } from "#sandbox/limits.ts";
import { compareAllowed, sweepRun } from "../allowed.ts";
import type { RunContract } from "../contract/contract.ts";
import { changeFindings } from "../contract/change-rules.ts";
import { isOnlyTouched } from "../evidence/snapshot.ts";
import { releaseTree } from "../hold.ts";
import {
  compareInventories,
  type Inventory,
  type InventoryChanges,
  takeInventory,
  withoutPlaced,
} from "../inventory.ts";
import { type Effect, effectFindings } from "../evidence/effect.ts";
import { endedUse, heldBy, judgeEnd } from "../limits.ts";
import { compareTestFiles } from "../results/test-files.ts";
import { sweepRecord, sweepWarnings } from "../sweep.ts";
import type { Observed } from "../verdict/observed.ts";
import type { Attempt } from "./attempt.ts";
import type { EndedClient } from "./client.ts";
import type { Ground } from "./ground.ts";
import { recordTree } from "./evidence.ts";
import type { OpenRun } from "./open.ts";

/** `changes` are those since the run began, `settled` the tree once all of the attempt was over. */
export type Seen = {
  observed: Observed & { findings: NonNullable<Observed["findings"]> };
  changes: InventoryChanges;
  settled: Inventory;
};

const asData = (record: object) => record as Record<string, Json>;

/** How the client ended, and what of it was too much to record. */
function recordEnd({ ledger }: OpenRun, ground: Ground, attempt: Attempt, ended: EndedClient): SandboxEnd {
  const end: SandboxEnd = ground.recorder.failed()
    ? { kind: "unobserved", reason: "an event of the run could not be recorded" }
    : ended.end;
  const counted = [ground.commands, ground.requests, ground.answers, ground.ends];
  const [commands, requests, answers, ends] = counted.map((each) => each.omitted());
  if (commands! + requests! + answers! + ends! > 0) {
    ledger.append("events.omitted", {
      "command.observed": commands!,
      "model.request": requests!,
      "permission.answered": answers!,
      "command.ended": ends!,
    });
    const more = answers === 0 ? "" : ` and ${answers} answers`;
    attempt.warnings.push(`${commands} commands and ${requests} requests${more} were too many to record`);
  }
  if (end.kind === "exited") ledger.append("agent.exited", { code: end.code, signal: end.signal });
  else ledger.append("agent.exited", { code: null, signal: null, unobserved: end.reason });
  return end;
}

/** A limit as it was asked for: a later turn has what is left of it. */
function wholeOf(reached: Reached, { timeoutMs, outputBytes }: RunLimits): Reached {
  const limit = { timeout: timeoutMs, output: outputBytes }[reached.which as string];
  return { ...reached, limit: limit ?? reached.limit };
}

/** What the client was asked: words of its own count where a policy wants something to come of them, and nobody sits there. */
function askedOf({ task, policy, client }: RunContract, terminal: boolean): Effect["asked"] {
  if (task !== null) return "task";
  return policy !== "off" && client !== "exec" && !terminal ? "words" : "nothing";
}

/** Looks at everything, and takes away what would run by itself. Throws what could not be recorded. */
export async function lookAfter(run: OpenRun, ground: Ground, attempt: Attempt, ended: EndedClient): Promise<Seen> {
  using watch = ended.watch;
  const { deps, contract, paths, ledger } = run;
  const { tree, spending } = ground;
  const { start, warnings } = attempt;
  const end = recordEnd(run, ground, attempt, ended);
  // Before the placeholders go: they were counted at the start too.
  const after = takeInventory(tree.path);
  const rootMs = lstatSync(tree.path).ctimeMs;
  const left = releaseTree(deps.home, ledger.run);
  if (left.length > 0) warnings.push(`${left.length} placeholders could not be taken away (broke harness reconcile)`);
  const except = new Set(attempt.placed);
  const changes = compareInventories(tree.path, start.before, after, except);
  if (changes.linked > 0)
    warnings.push(`${changes.linked} changed files have other names (hard links), perhaps outside the workspace`);
  ledger.append("workspace.inventory", asData(changes));
  const unexplained = await recordTree(run, ground, attempt, {
    ...{ after, rootMs, changes, except },
    transcript: ended.transcript.finish({ code: end.kind === "exited" ? end.code : null }),
  });
  const beside = compareAllowed(attempt.allowed);
  for (const each of beside) ledger.append("allowed.inventory", asData(each));
  const sweep = sweepRun(paths, { after, except });
  ledger.append("workspace.swept", sweepRecord(sweep));
  for (const warning of sweepWarnings(sweep)) ground.remembered.add(warning);
  warnings.push(...ground.remembered);
  const growthBytes = ended.growth.grown(await heldBy(attempt.prepared, after));
  const used = watch.finish({ ...endedUse(ended.run), growthBytes, gone: end.kind === "gone" });
  ground.used.outputBytes += used.outputBytes;
  ledger.append("limits.used", used);
  const reached = watch.reached();
  if (reached !== undefined || spending.reached() !== undefined) ground.end("its budget is spent");
  const judged = judgeEnd(end, (reached && wholeOf(reached, contract.limits)) ?? spending.reached());
  return {
    observed: {
      end: judged,
      warnings,
      inventoryComplete: [changes, ...beside].every((each) => each.complete),
      findings: [
        ...unexplained,
        ...effectFindings({
          asked: askedOf(contract, attempt.terminal),
          end: judged,
          changes: changes.total + changes.inRepositories + beside.reduce((sum, { total }) => sum + total, 0),
        }),
        ...changeFindings(
          {
            changes: changes.changes.filter(
              ({ path, change }) => change !== "modified" || !isOnlyTouched(tree.path, start.snapshot, path),
            ),
            more: changes.total > changes.changes.length,
          },
          contract,
        ),
        ...spending.findings(),
        ...ended.findings,
        ...compareTestFiles(tree.path, start.tests.files, after),
      ],
    },
    changes,
    // The sweep is ours, and there is one only where it found something.
    settled: sweep.total === 0 ? withoutPlaced(after, attempt.placed) : takeInventory(tree.path),
  };
}
