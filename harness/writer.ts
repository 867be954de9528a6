// One writer in a workspace: a run that works in a folder itself has it, and all that is above and below it, for itself. Who died in it is
// cleared away first: its placeholders, and what its worker left to be run.
// Does not stop: another BROKE_HOME from working in a folder above or below; the person, and programs that are no runs of ours.

import { closeSync, constants, existsSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import type { RunStore } from "#src/state/runs.ts";
import * as libc from "#sandbox/libc.ts";
import { removePlaceholders } from "#sandbox/placeholders.ts";
import { isWithin } from "#sandbox/protected.ts";
import { exclusively, takeLock } from "./lock.ts";
import { sweepTree } from "./sweep.ts";

type Deps = { home: Home; runs: RunStore };

function busy(by: string): BrokeError {
  return new BrokeError(
    "denied",
    `${by} works in this workspace`,
    "wait for it, or work beside it with --workspace=worktree or --workspace=copy",
  );
}

function openWorkspace(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    throw new BrokeError("denied", "the workspace cannot be opened", "make it readable for yourself");
  }
}

/** Whether a run that is not closed is still supervised; one that is not leaves nothing of its own behind. */
function isGoing({ home }: Deps, id: string): boolean {
  const paths = runPaths(home, id);
  if (!existsSync(paths.lock)) return false;
  const lock = takeLock(paths.lock);
  if (lock === undefined) return true;
  try {
    removePlaceholders(paths.placeholders);
    sweepTree(paths.baseline, paths.quarantine);
    return false;
  } catch {
    return false; // what is damaged of an old run is for `broke harness reconcile` to say
  } finally {
    closeSync(lock);
  }
}

/**
 * Makes the run the one that writes in its workspace, until it is disposed of or its supervisor ends, however it ends. Throws `denied` when
 * another has it, or a folder above or below it.
 */
export function claimWorkspace(deps: Deps, run: { id: string; workspace: string }): Disposable {
  const lock = openWorkspace(run.workspace);
  try {
    exclusively(join(deps.home.live, "workspaces.lock"), () => {
      const others = deps.runs
        .list()
        .filter(({ id, status }) => id !== run.id && (status === "registered" || status === "running"))
        .filter(({ workspace }) => isWithin(workspace, run.workspace) || isWithin(run.workspace, workspace))
        .filter(({ id }) => isGoing(deps, id));
      const writer = others.find(({ id }) => existsSync(runPaths(deps.home, id).writer));
      if (writer !== undefined) throw busy(writer.id);
      // A run of another BROKE_HOME is not in our table; this it cannot have missed.
      if (!libc.tryLock(lock)) throw busy("another run");
      writeFileSync(runPaths(deps.home, run.id).writer, "", { mode: 0o600, flag: "wx" });
    });
  } catch (error) {
    closeSync(lock);
    throw error;
  }
  const { writer } = runPaths(deps.home, run.id);
  return {
    [Symbol.dispose]() {
      rmSync(writer, { force: true });
      closeSync(lock);
    },
  };
}
