// How a command comes to see an overlay: it enters a view of a new run, or of one that is over, by beginning anew with the tree mounted
// (sandbox/overlay.ts). What it may believe of that it sees in the kernel's own list of mounts.
// Does not stop: a command that was killed before it registered its run from leaving an empty folder, which `broke harness reconcile` takes away.

import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { isRunId, newRunId, VIEW_VARIABLE } from "#src/core/ids.ts";
import { type Home, type RunPaths, runPaths } from "#src/state/paths.ts";
import { isOverlayAt } from "#sandbox/mount-table.ts";
import { enterOverlay, type OverlayView } from "#sandbox/overlay.ts";
import { removeTree } from "./client-home.ts";
import { ownCommand } from "./identity.ts";
import { readContract } from "./land.ts";
import { holdEnded, takeFolder } from "./lock.ts";

type Env = Record<string, string | undefined>;

/** A run of no record yet: its folder holds what the view needs and nothing else. */
export const isReserved = (paths: RunPaths): boolean => isOverlayAt(paths.tree) && !existsSync(paths.lock);

/**
 * The run whose view this process is in, and no longer in `env` that it is; undefined: in none, whatever somebody wrote there. What is reserved is this
 * process's for as long as it lives, however long it waits for an answer before it begins.
 */
export function viewEntered(home: Home, env: Env): string | undefined {
  const run = env[VIEW_VARIABLE];
  delete env[VIEW_VARIABLE];
  if (run === undefined || !isRunId(run)) return undefined;
  const paths = runPaths(home, run);
  if (!isOverlayAt(paths.tree)) return undefined;
  if (isReserved(paths)) takeFolder(paths.root);
  return run;
}

function enter(view: OverlayView, run: string, env: Env): never {
  return enterOverlay(view, ownCommand(), { ...env, [VIEW_VARIABLE]: run });
}

/** Makes the folder of a run that is to be; its layers with it where it has some of its own. */
function reserve(home: Home, nowMs: number, parts: ("tree" | "upper")[]): { run: string; paths: RunPaths } {
  const run = newRunId(nowMs);
  const paths = runPaths(home, run);
  mkdirSync(paths.root, { mode: 0o700 });
  for (const part of parts) mkdirSync(paths[part], { mode: 0o700 });
  return { run, paths };
}

/** Takes back what was reserved and not registered; where its tree is mounted, an empty folder stays. */
export function giveBack(home: Home, run: string): void {
  const paths = runPaths(home, run);
  if (existsSync(paths.lock)) return;
  for (const path of [paths.upper, paths.work]) removeTree(Buffer.from(path));
  if (!isOverlayAt(paths.tree)) removeTree(Buffer.from(paths.root));
}

/** Begins anew with a tree made of the workspace: never returns. Throws `missing` or `denied` where that cannot be, and leaves nothing. */
export function enterNewView(home: Home, workspace: string, env: Env, nowMs: number): never {
  const lower = realpathSync(workspace);
  const { run, paths } = reserve(home, nowMs, ["tree", "upper"]);
  try {
    return enter({ folder: paths.root, lower, access: "write" }, run, env);
  } catch (error) {
    giveBack(home, run);
    throw error;
  }
}

/** The workspace of a run that is over and worked in an overlay; undefined: it did not, or nothing is known of it. */
export function overlaidBy(home: Home, run: string): string | undefined {
  try {
    const { mode, workspace } = readContract(runPaths(home, run).contract);
    return mode === "overlay" ? workspace : undefined;
  } catch (error) {
    if (error instanceof BrokeError) return undefined;
    throw error;
  }
}

/** Whether there is anything left to be seen of its work. */
export function hasLayer(home: Home, run: string): boolean {
  const { origin, upper } = runPaths(home, run);
  return existsSync(origin) && existsSync(upper);
}

/** Begins anew with the tree of that run, to be read alone: never returns. Throws `busy` while somebody works in it. */
export function enterOldView(home: Home, run: string, workspace: string, env: Env): never {
  const paths = runPaths(home, run);
  holdEnded(home, run)[Symbol.dispose]();
  mkdirSync(paths.tree, { recursive: true, mode: 0o700 });
  return enter({ folder: paths.root, lower: workspace, access: "read" }, run, env);
}

/** Begins anew with the tree of that run where it was and where a new run goes on in it: never returns. What it names is the new one. */
export function enterNextView(home: Home, run: string, workspace: string, env: Env, nowMs: number): never {
  const old = runPaths(home, run);
  holdEnded(home, run)[Symbol.dispose]();
  mkdirSync(old.tree, { recursive: true, mode: 0o700 });
  const next = reserve(home, nowMs, ["tree"]);
  try {
    return enter({ folder: old.root, lower: workspace, access: "write", also: next.paths.tree }, next.run, env);
  } catch (error) {
    giveBack(home, next.run);
    throw error;
  }
}
