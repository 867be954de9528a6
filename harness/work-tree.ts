// What a run works on, made or claimed: the workspace itself (one writer), a copy, a clone, or an overlay that is mounted already. A tree that was made is kept after the run; one
// that was never whole is nobody's work and goes.
// Does not stop: see copy-mode.ts, clone-mode.ts and overlay-mode.ts.

import { existsSync, lstatSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { type Home, type RunPaths, runPaths } from "#src/state/paths.ts";
import { readPrivate, writePrivate } from "#src/state/files.ts";
import type { RunStore } from "#src/state/runs.ts";
import { isOverlayAt } from "#sandbox/mount-table.ts";
import { sightOf } from "./borrowed.ts";
import { removeTree } from "./client-home.ts";
import type { RunContract } from "./contract/contract.ts";
import { cloneObjects, makeClone } from "./clone-mode.ts";
import { clientOf } from "./clients.ts";
import { makeCopy, stampOf } from "./copy-mode.ts";
import { copyTree } from "./copy-tree.ts";
import { holdEnded } from "./lock.ts";
import { cleanOverlay, manifestOf, openWork, requireOverlay, workFolder } from "./overlay-mode.ts";
import type { WorkspaceMode } from "./workspace-mode.ts";
import { claimFolders, claimWorkspace } from "./writer.ts";

export type WorkTree = Disposable & {
  /** The folder on the host, and its `dev:ino`. */
  path: string;
  id: string;
  objects: { source: string; target: string }[];
  /** What was made, for the ledger; undefined: it is the workspace itself. */
  made: Record<string, Json> | undefined;
};

/** `env` is the launcher's. */
type Around = { home: Home; runs: RunStore; env: Record<string, string | undefined> };
type Made = Pick<WorkTree, "objects" | "made"> & { origin: object };

/** By mode: makes the tree at `paths.tree`. */
const makers: Record<
  Exclude<WorkspaceMode, "direct">,
  (contract: RunContract, paths: RunPaths, around: Pick<Around, "home" | "env">) => Made
> = {
  copy({ workspace }, paths) {
    const { manifest, copied } = makeCopy(workspace, paths.tree);
    return { origin: manifest, objects: [], made: { ...copied } };
  },
  worktree(contract, paths, { home, env }) {
    return makeClone(sightOf(contract, home.root, env), paths.tree, paths.landing, contract.base);
  },
  overlay({ workspace }, paths) {
    requireOverlay(paths);
    openWork(paths);
    const manifest = manifestOf(workspace, paths, stampOf);
    return { origin: manifest, objects: [], made: { entries: Object.keys(manifest.entries).length } };
  },
};

/** `dev:ino` of a folder. */
export const identityOf = (path: string): string => {
  const { dev, ino } = lstatSync(path, { bigint: true });
  return `${dev}:${ino}`;
};

/** Opens what the run works on. Throws `denied` when another run has it, or when it cannot be made. */
export function openWorkTree(deps: Around, contract: RunContract, runId: string): WorkTree {
  const { workspace, mode } = contract;
  const writes = contract.files.write.map(({ path }) => path);
  if (mode === "direct") {
    const writer = claimWorkspace(deps, { id: runId, workspace, writes });
    const id = identityOf(workspace);
    return { path: workspace, id, objects: [], made: undefined, [Symbol.dispose]: () => writer[Symbol.dispose]() };
  }
  claimFolders(deps, runId, writes);
  return makeTree(deps, { ...contract, mode }, runId);
}

type OwnTree = RunContract & { mode: Exclude<WorkspaceMode, "direct"> };

function makeTree(around: Pick<Around, "home" | "env">, contract: OwnTree, runId: string): WorkTree {
  const { home } = around;
  const paths = runPaths(home, runId);
  try {
    const { origin, ...made } = makers[contract.mode](contract, paths, around);
    writePrivate(paths.origin, JSON.stringify(origin));
    return { path: paths.tree, id: identityOf(paths.tree), ...made, [Symbol.dispose]: () => {} };
  } catch (error) {
    clearTree(home, runId);
    throw error;
  }
}

/**
 * Takes over the tree of a run that is over, to go on in it: moved, so that every file is the one it was. What says where it
 * came from is there before it moves and goes after: the work is always somebody's. The caller
 * holds the run that is over. Throws `missing` where it is gone.
 */
export function adoptTree(
  { home }: { home: Home },
  contract: RunContract,
  { id, from }: { id: string; from: string },
): WorkTree {
  const [old, now] = [runPaths(home, from), runPaths(home, id)];
  const origin = readPrivate(old.origin);
  if (origin === undefined || !existsSync(workFolder(old)))
    throw new BrokeError("missing", "the tree the run worked on is gone", "`broke harness show` says what it did");
  if (contract.mode === "overlay") requireOverlay(now);
  writePrivate(now.origin, origin);
  if (existsSync(old.landing)) renameSync(old.landing, now.landing);
  // An overlay is mounted at both places, and what it is made of keeps working under another name.
  if (contract.mode === "overlay") {
    for (const part of ["upper", "work"] as const) renameSync(old[part], now[part]);
    openWork(now);
  } else renameSync(old.tree, now.tree);
  rmSync(old.origin);
  const objects = contract.mode === "worktree" ? cloneObjects(now.origin, now.landing) : [];
  const made = { from, tree_id: identityOf(now.tree) };
  return { path: now.tree, id: identityOf(now.tree), objects, made, [Symbol.dispose]: () => {} };
}

/** Where the tree is that a run worked on. Throws `missing` where it is not mounted here. */
export function treeWorkedOn(home: Home, { mode, workspace }: RunContract, runId: string): string {
  const paths = runPaths(home, runId);
  if (mode === "overlay") requireOverlay(paths);
  return mode === "direct" ? workspace : paths.tree;
}

/** Copies the transcripts that a client kept of another run: plain files and folders, whatever else is among them. */
export function carrySessions(
  home: Home,
  { client, home: whose }: RunContract,
  { id, from }: { id: string; from: string },
): void {
  if (whose === "user") return;
  const [old, now] = [runPaths(home, from).clientHome, runPaths(home, id).clientHome];
  for (const path of clientOf(client).keep) {
    if (!existsSync(join(old, path))) continue;
    mkdirSync(dirname(join(now, path)), { recursive: true, mode: 0o700 });
    copyTree(join(old, path), join(now, path));
  }
}

/** Takes the tree of a run away and makes it again. Throws `denied` where there is none of its own, or it cannot be made. */
export function remakeTree(around: Pick<Around, "home" | "env">, contract: RunContract, runId: string): WorkTree {
  const { home } = around;
  const { mode } = contract;
  if (mode === "direct") throw new BrokeError("denied", "the workspace itself cannot be made clean again");
  if (mode === "overlay") return cleanTree(runPaths(home, runId), contract);
  removeWork(home, runId);
  return makeTree(around, { ...contract, mode }, runId);
}

function cleanTree(paths: RunPaths, { workspace }: RunContract): WorkTree {
  requireOverlay(paths);
  rmSync(paths.origin, { force: true });
  const manifest = cleanOverlay(workspace, paths, stampOf);
  writePrivate(paths.origin, JSON.stringify(manifest));
  const made = { entries: Object.keys(manifest.entries).length };
  return { path: paths.tree, id: identityOf(paths.tree), objects: [], made, [Symbol.dispose]: () => {} };
}

/** Takes away what a run worked on, landed or not. Throws `busy` while it goes on, `missing` when it has none. */
export function discardTree(home: Home, runId: string): void {
  if (!existsSync(runPaths(home, runId).tree))
    throw new BrokeError("missing", "the run has no tree of its own", "`broke harness list` shows the runs");
  using _lock = holdEnded(home, runId);
  removeWork(home, runId);
}

/** Removes the tree and what belongs to it. What says where it came from goes first: without that nothing is landed from what is left. */
export function removeWork(home: Home, runId: string): void {
  const paths = runPaths(home, runId);
  const { tree, origin, landing, upper, work } = paths;
  for (const path of [origin, landing, upper, work]) removeTree(Buffer.from(path));
  // Where it is mounted there is nothing left in it, and it stays as long as this process.
  if (!isOverlayAt(tree)) removeTree(Buffer.from(tree));
}

/** Takes a tree away that was never whole, so nobody worked in it. Returns the one that stays. */
export function clearTree(home: Home, runId: string): string | undefined {
  const paths = runPaths(home, runId);
  if (!existsSync(paths.origin)) {
    removeWork(home, runId);
    return undefined;
  }
  return existsSync(workFolder(paths)) ? paths.tree : undefined;
}
