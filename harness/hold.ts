// What a run protects in its workspace, held for as long as any run needs it. A placeholder that is taken away while another run has it mounted
// takes the mount with it, in every namespace (unlink(2) detaches), and that other worker could write there: so the last of the runs whose
// workspaces overlap takes away what all of them put there.
// Does not stop: another BROKE_HOME, or the person, from replacing a protected file by a rename, which opens that name to the worker.

import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { join, relative } from "node:path";
import { type Home, runPaths } from "#src/state/paths.ts";
import type { RunStore } from "#src/state/runs.ts";
import { makePlaceholders, readJournal, removePlaceholders } from "#sandbox/placeholders.ts";
import { findProtected, isWithin, type ProtectedPaths } from "#sandbox/protected.ts";
import { exclusively, isHeld } from "./lock.ts";

export type HoldDeps = { home: Home; runs: RunStore };
/** `placed` are the placeholders in the workspace, this run's and others', relative to it. */
export type Hold = { protect: ProtectedPaths; placed: string[] };

const overlap = (a: string, b: string) => isWithin(a, b) || isWithin(b, a);

/** Journals of runs that are over and whose placeholders somebody still needed. */
const waitingFolder = (home: Home) => join(home.live, "placeholders");
const waiting = (home: Home) =>
  existsSync(waitingFolder(home))
    ? readdirSync(waitingFolder(home)).map((name) => join(waitingFolder(home), name))
    : [];

/** Journals of the runs that go on, but for one. */
function going({ home, runs }: HoldDeps, but: string): string[] {
  return runs
    .list()
    .filter(({ id, status }) => id !== but && (status === "registered" || status === "running"))
    .map(({ id }) => runPaths(home, id))
    .filter(({ placeholders, lock }) => existsSync(placeholders) && isHeld(lock))
    .map(({ placeholders }) => placeholders);
}

/** Placeholders of these journals that stand in the workspace, relative to it. */
function placedIn(workspace: string, journals: string[]): string[] {
  return journals.flatMap((file) => {
    const { root, made } = readJournal(file);
    const inside = made.map(({ path }) => relative(workspace, join(root, path)));
    return inside.filter((path) => path !== "" && path !== ".." && !path.startsWith("../"));
  });
}

const guarded = <Result>({ home }: HoldDeps, act: () => Result) =>
  exclusively(join(home.live, "placeholders.lock"), act);

/** Finds what must be protected, but for what was `opened` by name, and puts placeholders where names are missing. Throws `denied` where that cannot be. */
export function holdWorkspace(deps: HoldDeps, runId: string, workspace: string, opened: readonly string[]): Hold {
  return guarded(deps, () => {
    const protect = findProtected(workspace, opened);
    const own = makePlaceholders(workspace, protect.missing, runPaths(deps.home, runId).placeholders);
    return { protect, placed: [...own, ...placedIn(workspace, [...going(deps, runId), ...waiting(deps.home)])] };
  });
}

/**
 * Takes away this run's placeholders, and those that waited for it, unless another run still needs them. Returns what others' stand in the
 * workspace. A second call finds nothing to do.
 */
export function releaseWorkspace(deps: HoldDeps, runId: string, workspace: string): string[] {
  return guarded(deps, () => {
    const { placeholders } = runPaths(deps.home, runId);
    if (existsSync(placeholders)) {
      mkdirSync(waitingFolder(deps.home), { recursive: true, mode: 0o700 });
      renameSync(placeholders, join(waitingFolder(deps.home), `${runId}.json`));
    }
    const others = going(deps, runId);
    const roots = others.map((file) => readJournal(file).root);
    for (const file of waiting(deps.home)) {
      const { root } = readJournal(file);
      if (!roots.some((other) => overlap(other, root))) removePlaceholders(file);
    }
    return placedIn(workspace, [...others, ...waiting(deps.home)]);
  });
}
