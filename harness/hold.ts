// What a run protects in the tree it works in, for as long as it goes on. The tree is its alone (writer.ts, or one made for it), so what it
// placed there it takes away again.
// Does not stop: the person from replacing a protected file by a rename, which opens that name to the worker.

import { existsSync } from "node:fs";
import { type Home, type RunPaths, runPaths } from "#src/state/paths.ts";
import { isOverlayAt } from "#sandbox/mount-table.ts";
import { makePlaceholders, removePlaceholders } from "#sandbox/placeholders.ts";
import { findProtected, type ProtectedPaths } from "#sandbox/protected.ts";
import { loadedBy } from "./workspace.ts";

/** `placed` are the placeholders in the tree, relative to it. */
export type Hold = { protect: ProtectedPaths; placed: string[] };
export const NOTHING_HELD: Hold = { protect: { files: [], dirs: [], missing: [], masked: [], pins: [] }, placed: [] };

/**
 * Finds what must be protected (where the tree holds this broke, what says which code of it is loaded too), but for what was `opened` by name, and puts
 * placeholders where names are missing. Throws `denied` where that cannot be.
 */
export function holdTree(home: Home, runId: string, tree: string, opened: readonly string[]): Hold {
  const protect = findProtected(tree, opened, loadedBy(tree, opened));
  return { protect, placed: makePlaceholders(tree, protect.missing, runPaths(home, runId).placeholders) };
}

/** Takes the run's placeholders away; returns those that could not be, which `broke harness reconcile` tries again. A second call finds nothing else to do. */
export function releaseTree(home: Home, runId: string): string[] {
  return releasePlaced(runPaths(home, runId));
}

/** The same by its folder. Where its tree was an overlay that ended with its supervisor, they are in the layer it wrote to. */
export function releasePlaced(paths: RunPaths): string[] {
  const unmounted = existsSync(paths.upper) && !isOverlayAt(paths.tree);
  return removePlaceholders(paths.placeholders, unmounted ? paths.upper : undefined);
}
