// One writer in a workspace: a run that works in a folder itself has it, and all that is above and below it, for itself; nobody else is allowed
// to write there by name either, or the placeholders that go with its end would leave their names free to him. Who died in it is cleared away
// first: its placeholders, and what its worker left to be run.
// Does not stop: another BROKE_HOME from working in a folder above or below; two runs from sharing an allowed folder that is no workspace; a run
// that may write everywhere; the person, and programs that are no runs of ours.

import { closeSync, constants, existsSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import { isGoing as isOpen, type RunStore } from "#src/state/runs.ts";
import * as libc from "#sandbox/libc.ts";
import { isWithin } from "#sandbox/protected.ts";
import { sweepRun } from "./allowed.ts";
import { releasePlaced } from "./hold.ts";
import { exclusively, takeLock } from "./lock.ts";
import { readStored } from "./stored.ts";
import type { Sweep } from "./sweep.ts";

type Deps = { home: Home; runs: RunStore };

const BESIDE = "wait for it, or work beside it with --workspace=worktree or --workspace=copy";

const busy = (by: string) => new BrokeError("denied", `${by} works in this workspace`, BESIDE);

const contractSchema = v.object({ files: v.object({ write: v.array(v.object({ path: v.string() })) }) });

/** What a run may write by name; undefined when it cannot be told. */
function writesOf({ home }: Deps, id: string): string[] | undefined {
  try {
    return readStored(runPaths(home, id).contract, contractSchema).files.write.map(({ path }) => path);
  } catch {
    return undefined;
  }
}

const overlap = (one: string, other: string) => isWithin(one, other) || isWithin(other, one);

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
  let lock: number | undefined;
  try {
    if (!existsSync(paths.lock)) return false;
    lock = takeLock(paths.lock);
    if (lock === undefined) return true;
    releasePlaced(paths);
    sweepRun(paths, { late: true });
    return false;
  } catch {
    return false; // what is damaged of an old run is for `broke harness reconcile` to say
  } finally {
    if (lock !== undefined) closeSync(lock);
  }
}

/** Runs other than this one that are not closed, with what they may write by name. */
function openRuns(deps: Deps, id: string): { id: string; workspace: string; writes: string[] | undefined }[] {
  return deps.runs
    .list()
    .filter((row) => row.id !== id && isOpen(row.status))
    .map((row) => ({ id: row.id, workspace: row.workspace, writes: writesOf(deps, row.id) }));
}

const isWriter = ({ home }: Deps, id: string) => existsSync(runPaths(home, id).writer);

/** Throws `denied` when a run works in a folder that this one may write by name. */
function requireNobodyIn(deps: Deps, id: string, writes: string[]): void {
  for (const run of openRuns(deps, id)) {
    const path = writes.find((each) => overlap(each, run.workspace));
    if (path === undefined || !isWriter(deps, run.id) || !isGoing(deps, run.id)) continue;
    throw new BrokeError(
      "denied",
      `${run.id} works in ${JSON.stringify(path)}, allowed for writing`,
      "wait for it, or allow another folder",
    );
  }
}

/** The same where the run has no workspace to claim. */
export function claimFolders(deps: Deps, id: string, writes: string[]): void {
  if (writes.length > 0) exclusively(locksOf(deps), () => requireNobodyIn(deps, id, writes));
}

/**
 * Clears away what a run that is over left of itself in its workspace: its placeholders, and what its worker left to be run. Returns what could not
 * be taken away, and what was swept; undefined: somebody works there, to whom these names are protection. Throws `denied` where the workspace
 * cannot be opened.
 */
export function clearEnded(
  deps: Deps,
  run: { id: string; workspace: string },
): { left: string[]; sweep: Sweep } | undefined {
  const paths = runPaths(deps.home, run.id);
  return exclusively(locksOf(deps), () => {
    const others = openRuns(deps, run.id).filter(({ workspace, writes }) =>
      [workspace, ...(writes ?? ["/"])].some((path) => overlap(path, run.workspace)),
    );
    if (others.some(({ id }) => isGoing(deps, id))) return undefined;
    // Gone with all that was in it, where it is not there.
    const lock = existsSync(run.workspace) ? openWorkspace(run.workspace) : undefined;
    try {
      if (lock !== undefined && !libc.tryLock(lock)) return undefined;
      return { left: releasePlaced(paths), sweep: sweepRun(paths, { late: true }) };
    } finally {
      if (lock !== undefined) closeSync(lock);
    }
  });
}

const locksOf = ({ home }: Deps) => join(home.live, "workspaces.lock");

/**
 * Makes the run the one that writes in its workspace, until it is disposed of or its supervisor ends, however it ends. Throws `denied` when
 * another has it, or a folder above or below it, or may write there, or works in what this one may write by name (`writes`).
 */
export function claimWorkspace(deps: Deps, run: { id: string; workspace: string; writes: string[] }): Disposable {
  const lock = openWorkspace(run.workspace);
  try {
    exclusively(locksOf(deps), () => {
      const others = openRuns(deps, run.id)
        .map((each) => ({ ...each, reaches: each.writes?.some((path) => overlap(path, run.workspace)) ?? true }))
        .filter(({ workspace, reaches }) => reaches || overlap(workspace, run.workspace))
        .filter(({ id }) => isGoing(deps, id));
      const writer = others.find(({ id }) => isWriter(deps, id));
      if (writer !== undefined && overlap(writer.workspace, run.workspace)) throw busy(writer.id);
      const reaching = others.find(({ reaches }) => reaches);
      if (reaching !== undefined) throw new BrokeError("denied", `${reaching.id} may write in this workspace`, BESIDE);
      requireNobodyIn(deps, run.id, run.writes);
      // A run of another BROKE_HOME is not in our table; this it cannot have missed.
      if (!libc.tryLock(lock)) throw busy("another run");
      // One that is there was left by a command of this run that was broken off: the lock is what counts.
      writeFileSync(runPaths(deps.home, run.id).writer, "", { mode: 0o600 });
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
