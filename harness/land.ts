// Takes the work of a run over from the tree it worked on into the workspace. Callable again; what cannot be taken over stays where it is.
// Does not stop: see copy-mode.ts and clone-mode.ts.

import { existsSync, readFileSync } from "node:fs";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { type Json, parseJson } from "#src/core/json.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import type { RunStore } from "#src/state/runs.ts";
import type { AuditLog } from "./audit.ts";
import { contractSchema, openedOf, type RunContract } from "./contract/contract.ts";
import { landClone } from "./clone-land.ts";
import { landCopy, LandedInPart, readManifest } from "./copy-mode.ts";
import type { Ledger } from "./ledger.ts";
import { holdEnded } from "./lock.ts";
import { requireOverlay, workFolder } from "./overlay-mode.ts";
import type { Finding } from "./verdict/categories.ts";
import type { VerdictWord } from "./verdict/words.ts";
import { removeWork } from "./work-tree.ts";
import { claimWorkspace } from "./writer.ts";

/** `landed` and `held` are paths; `ref` where a worktree's result is, `hint` what the operator does next. */
export type Landing = { mode: string; landed: string[]; held: string[]; ref: string | null; hint: string | null };

type Deps = { home: Home; runs: RunStore; audit: AuditLog };

/** What a run was asked. Throws `missing` where that is not on record. */
export function readContract(file: string): RunContract {
  const parsed = v.safeParse(contractSchema, existsSync(file) ? parseJson(readFileSync(file, "utf8")) : undefined);
  if (parsed.success) return parsed.output;
  throw new BrokeError("missing", "what the run was asked is not on record", "`broke harness list` shows the runs");
}

/** Lands one run. `opened` are protected names that may be taken over besides those the run was given. Throws `denied` where that cannot be. */
export function landRun(deps: Deps, runId: string, opened: readonly string[]): Landing {
  let landing: Landing;
  try {
    landing = takeOver(deps, runId, opened);
  } catch (error) {
    if (error instanceof LandedInPart)
      deps.audit.append(runId, "work.landed", { landed: error.landed.length, part: true, opened: [...opened] });
    throw error;
  }
  const { mode, landed, held, ref } = landing;
  deps.audit.append(runId, "work.landed", { mode, landed: landed.length, held: held.length, ref, opened: [...opened] });
  return landing;
}

function takeOver(deps: Deps, runId: string, opened: readonly string[]): Landing {
  const paths = runPaths(deps.home, runId);
  const contract = readContract(paths.contract);
  const { mode, workspace } = contract;
  if (mode === "direct") {
    throw new BrokeError("usage", "the run worked in the workspace itself", "there is nothing to take over");
  }
  if (!existsSync(paths.origin) || !existsSync(workFolder(paths))) {
    throw new BrokeError("missing", "the tree the run worked on is gone", "`broke harness show` says what it did");
  }
  const names = [...openedOf(contract), ...opened];
  using _run = holdEnded(deps.home, runId);
  if (mode === "worktree") return landWorktree(deps.home, runId, workspace, names);
  if (mode === "overlay") requireOverlay(paths);
  using _writer = claimWorkspace(deps, { id: runId, workspace, writes: [] });
  const { landed, held } = landCopy(workspace, paths, readManifest(paths.origin), names);
  return { mode, landed, held, ref: null, hint: null };
}

const SHOWN = 5;

function landWorktree(home: Home, runId: string, workspace: string, opened: readonly string[]): Landing {
  const { landed, held, ref, startRef } = landClone(runId, runPaths(home, runId), opened);
  const at = `git -C ${shellWord(workspace)}`;
  const merge = startRef === null ? `${at} merge ${ref}` : `${at} diff --binary ${startRef} ${ref} | ${at} apply`;
  const hint =
    ref !== null
      ? `the work is in ${ref}: ${merge}`
      : held.length === 0
        ? "the run changed nothing that could be landed"
        : null;
  return { mode: "worktree", landed, held, ref, hint };
}

const shellWord = (word: string) => (/^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** What came of it: words for the operator, and what speaks against the run now. */
export type Acted = { notes: string[]; findings: Finding[] };

const acted = (...notes: string[]): Acted => ({ notes, findings: [] });

/**
 * What the verdict so far does to the work in a tree of its own. Without a policy a worktree's result becomes a ref and a copy waits. With one: what is
 * accepted lands, what is blocked is discarded, and everything else waits where it is. What cannot land is the operator's to decide, and nothing
 * of it was taken over.
 */
export function actOnWork(
  deps: { home: Home; runs: RunStore },
  contract: RunContract,
  ledger: Ledger,
  warnings: string[],
  verdict: VerdictWord,
): Acted {
  const { mode, policy } = contract;
  if (mode === "direct") {
    const sent = policy !== "off" && (verdict === "BLOCK" || verdict === "RETRY_BROAD");
    return sent ? acted(`\`broke harness restore ${ledger.run}\` puts the workspace back to what it was`) : acted();
  }
  const { tree } = runPaths(deps.home, ledger.run);
  // Nobody else sees what is mounted for this process.
  const where =
    mode === "overlay"
      ? `kept in an overlay (\`broke harness checkout ${ledger.run} --out DIR\` copies it)`
      : `in ${tree}`;
  const governed = policy !== "off";
  const later = governed
    ? `\`broke harness decide ${ledger.run} accept\` takes it over; retry, broad and block are the other answers`
    : `\`broke harness land ${ledger.run}\` takes it over`;
  if (governed && verdict === "BLOCK") {
    removeWork(deps.home, ledger.run);
    ledger.append("workspace.discarded", { tree });
    return acted("the work was discarded");
  }
  ledger.append("workspace.kept", { tree });
  if (governed && verdict !== "ACCEPT" && verdict !== "ACCEPT_WITH_WARNINGS") {
    return acted(`the work was not taken over; it is ${where}: ${later}`);
  }
  if (mode !== "worktree" && !governed) return acted(`the work is ${where}: ${later}`);
  try {
    const landing =
      mode === "worktree"
        ? landWorktree(deps.home, ledger.run, contract.workspace, openedOf(contract))
        : landCopied(deps, contract, ledger.run);
    ledger.append("workspace.landed", landingRecord(landing));
    if (landing.held.length > 0)
      warnings.push(`not landed, because it changes protected names: ${landing.held.slice(0, SHOWN).join(", ")}`);
    return acted(...(landing.hint === null ? [] : [landing.hint]));
  } catch (error) {
    if (!(error instanceof BrokeError)) throw error;
    if (error instanceof LandedInPart) ledger.append("workspace.landed", { mode, landed: error.landed, part: true });
    const reason = `not landed: ${error.message}`;
    if (!governed) {
      warnings.push(reason);
      return acted(`the work is ${where}`);
    }
    const finding: Finding = {
      category: "quality",
      grade: "finding",
      reason,
      source: "observation",
      least: "ESCALATE",
    };
    return { notes: [`the work is ${where}: ${later}`], findings: [finding] };
  }
}

/** A copy, or what was done in an overlay, taken over into its workspace by the run that made it. */
function landCopied(deps: { home: Home; runs: RunStore }, contract: RunContract, runId: string): Landing {
  const paths = runPaths(deps.home, runId);
  const { workspace, mode } = contract;
  if (mode === "overlay") requireOverlay(paths);
  using _writer = claimWorkspace(deps, { id: runId, workspace, writes: [] });
  const { landed, held } = landCopy(workspace, paths, readManifest(paths.origin), openedOf(contract));
  return {
    mode,
    landed,
    held,
    ref: null,
    hint: landed.length === 0 ? null : `${landed.length} changes were taken over`,
  };
}

export const landingRecord = (landing: Landing): Record<string, Json> => ({ ...landing });
