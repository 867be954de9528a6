// The tree a run worked on, for somebody who looks at it: where it is, or a copy of it in which nothing runs by itself.
// Does not stop: what is in the copy from harming whoever runs it.

import { existsSync, readlinkSync, realpathSync, rmSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import { isWithin } from "#sandbox/protected.ts";
import { protectedBy } from "#sandbox/protected-names.ts";
import { below } from "#sandbox/tree.ts";
import { removeTree } from "./client-home.ts";
import { copyTree } from "./copy-tree.ts";
import { findTraps } from "./findings.ts";
import { takeInventory } from "./inventory.ts";
import { holdEnded } from "./lock.ts";
import { requireOverlay } from "./overlay-mode.ts";
import { overlaidBy } from "./overlay-view.ts";

/** Where the tree of a run is, as this process sees it. Throws `missing` where it has none, or it is not mounted here. */
export function treeOf(home: Home, runId: string): string {
  const paths = runPaths(home, runId);
  // The folder where an overlay was mounted stays, and is nothing.
  const overlaid = existsSync(paths.upper) || overlaidBy(home, runId) !== undefined;
  if (!existsSync(overlaid ? paths.upper : paths.tree))
    throw new BrokeError("missing", "the run has no tree of its own", "`broke harness list` shows the runs");
  if (overlaid) requireOverlay(paths);
  return paths.tree;
}

/** A new name in a folder that is there, whatever leads to that folder. */
function realPlace(path: string): string {
  const folder = dirname(path);
  if (!existsSync(folder)) throw new BrokeError("usage", "--out: the folder above it is not there", "make it first");
  return join(realpathSync(folder), basename(path));
}

export type CheckedOut = { path: string; leftOut: string[] };

/** Whether a link names something outside: whoever reads it would read that. */
function leadsOut(root: string, name: string): boolean {
  const path = join(root, Buffer.from(name, "latin1").toString());
  try {
    return !isWithin(root, resolve(dirname(path), readlinkSync(path)));
  } catch {
    return true; // a name that is not UTF-8
  }
}

/**
 * Copies the tree into the new folder `out`, but for repositories, protected names, and whatever would run by itself. Throws `usage` where something is
 * there already, or it would lie in the tree or in our own home.
 */
export function checkOut(home: Home, runId: string, out: string, cwd: string): CheckedOut {
  const tree = treeOf(home, runId);
  const path = realPlace(isAbsolute(out) ? out : resolve(cwd, out));
  if (existsSync(path)) throw new BrokeError("usage", "--out: there is something already", "name a new folder");
  if (isWithin(home.root, path)) throw new BrokeError("usage", "--out: that is in BROKE_HOME", "name another folder");
  using _held = holdEnded(home, runId);
  try {
    copyTree(tree, path);
    const { entries } = takeInventory(path);
    const traps = findTraps(path, path, entries).map((trap) => trap.path);
    const named = [...entries.keys()].filter((name) => protectedBy(name) !== undefined || /(^|\/)\.git$/.test(name));
    const leading = [...entries].filter(([name, { kind }]) => kind === "link" && leadsOut(path, name));
    const leftOut = [...new Set([...traps, ...named, ...leading.map(([name]) => name)])].sort();
    for (const name of leftOut) removeTree(below(path, Buffer.from(name, "latin1")));
    return {
      path,
      leftOut: leftOut.filter((name, index) => index === 0 || !name.startsWith(`${leftOut[index - 1]}/`)),
    };
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    throw error;
  }
}
