// What a run works on, made or claimed: the workspace itself (one writer), a copy, or a clone. A tree that was made is kept after the run; one
// that was never whole is nobody's work and goes.
// Does not stop: see copy-mode.ts and clone-mode.ts.

import { existsSync } from "node:fs";
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
import { isHeld } from "./lock.ts";
import type { WorkspaceMode } from "./workspace-mode.ts";
import { claimWorkspace } from "./writer.ts";

export type WorkTree = Disposable & {
  /** The folder on the host. */
  path: string;
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

/** Opens what the run works on. Throws `denied` when another run has it, or when it cannot be made. */
export function openWorkTree(deps: { home: Home; runs: RunStore }, contract: RunContract, runId: string): WorkTree {
  const { workspace, mode } = contract;
  if (mode === "direct") {
    const writer = claimWorkspace(deps, { id: runId, workspace });
    return { path: workspace, objects: [], made: undefined, [Symbol.dispose]: () => writer[Symbol.dispose]() };
  }
  const paths = runPaths(deps.home, runId);
  try {
    const { origin, ...made } = makers[mode](contract, paths);
    writePrivate(paths.origin, JSON.stringify(origin));
    return { path: paths.tree, ...made, [Symbol.dispose]: () => {} };
  } catch (error) {
    clearTree(deps.home, runId);
    throw error;
  }
}

/** Takes away what a run worked on, landed or not. Throws `busy` while it goes on, `missing` when it has none. */
export function discardTree(home: Home, runId: string): void {
  const { lock, tree } = runPaths(home, runId);
  if (existsSync(lock) && isHeld(lock)) throw new BrokeError("busy", "the run is still going on", "wait for its end");
  if (!existsSync(tree))
    throw new BrokeError("missing", "the run has no tree of its own", "`broke harness list` shows the runs");
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
