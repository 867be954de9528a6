// What a run works on, made or claimed: the workspace itself (one writer), a copy, or a clone. A tree that was made is kept after the run; one
// that was never whole is nobody's work and goes.
// Does not stop: see copy-mode.ts and clone-mode.ts.

import { existsSync, lstatSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { type Home, type RunPaths, runPaths } from "#src/state/paths.ts";
import { writePrivate } from "#src/state/files.ts";
import type { RunStore } from "#src/state/runs.ts";
import { BWRAP, runProbe } from "#sandbox/spawn.ts";
import { removeTree } from "./client-home.ts";
import type { RunContract } from "./contract/contract.ts";
import { makeClone } from "./clone-mode.ts";
import { makeCopy } from "./copy-mode.ts";
import { holdEnded } from "./lock.ts";
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

type Made = Pick<WorkTree, "objects" | "made"> & { origin: object };

/** By mode: makes the tree at `paths.tree`. */
const makers: Record<Exclude<WorkspaceMode, "direct">, (contract: RunContract, paths: RunPaths) => Made> = {
  copy({ workspace }, paths) {
    const { manifest, copied } = makeCopy(workspace, paths.tree);
    return { origin: manifest, objects: [], made: { ...copied } };
  },
  worktree({ workspace }, paths) {
    return makeClone(workspace, paths.tree, paths.landing);
  },
  overlay() {
    // What a run changes in an overlay is not to be seen from outside without mounting it, so nothing of ours could look at it yet.
    const { output } = runProbe([BWRAP, "--version"]);
    throw new BrokeError(
      "missing",
      `--workspace=overlay is not available (${output.trim()}; bubblewrap has overlays from 0.11 on, and broke has no use of them yet)`,
      "--workspace=copy does the same at the price of a copy",
    );
  },
};

/** `dev:ino` of a folder. */
export const identityOf = (path: string): string => {
  const { dev, ino } = lstatSync(path, { bigint: true });
  return `${dev}:${ino}`;
};

/** Opens what the run works on. Throws `denied` when another run has it, or when it cannot be made. */
export function openWorkTree(deps: { home: Home; runs: RunStore }, contract: RunContract, runId: string): WorkTree {
  const { workspace, mode } = contract;
  const writes = contract.files.write.map(({ path }) => path);
  if (mode === "direct") {
    const writer = claimWorkspace(deps, { id: runId, workspace, writes });
    const id = identityOf(workspace);
    return { path: workspace, id, objects: [], made: undefined, [Symbol.dispose]: () => writer[Symbol.dispose]() };
  }
  claimFolders(deps, runId, writes);
  return makeTree(deps.home, { ...contract, mode }, runId);
}

type OwnTree = RunContract & { mode: Exclude<WorkspaceMode, "direct"> };

function makeTree(home: Home, contract: OwnTree, runId: string): WorkTree {
  const paths = runPaths(home, runId);
  try {
    const { origin, ...made } = makers[contract.mode](contract, paths);
    writePrivate(paths.origin, JSON.stringify(origin));
    return { path: paths.tree, id: identityOf(paths.tree), ...made, [Symbol.dispose]: () => {} };
  } catch (error) {
    clearTree(home, runId);
    throw error;
  }
}

/** Takes the tree of a run away and makes it again. Throws `denied` where there is none of its own, or it cannot be made. */
export function remakeTree({ home }: { home: Home }, contract: RunContract, runId: string): WorkTree {
  const { mode } = contract;
  if (mode === "direct") throw new BrokeError("denied", "the workspace itself cannot be made clean again");
  removeWork(home, runId);
  return makeTree(home, { ...contract, mode }, runId);
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
  const { tree, origin, landing } = runPaths(home, runId);
  for (const path of [origin, landing, tree]) removeTree(Buffer.from(path));
}

/** Takes a tree away that was never whole, so nobody worked in it. Returns the one that stays. */
export function clearTree(home: Home, runId: string): string | undefined {
  const { tree, origin, landing } = runPaths(home, runId);
  if (existsSync(origin)) return existsSync(tree) ? tree : undefined;
  for (const path of [tree, landing]) removeTree(Buffer.from(path));
  return undefined;
}
