// The folders a run was allowed to write in, beside what it works on: looked at before and after it and swept as its workspace is. Others may
// work there meanwhile: what the run could not have written is left out, what lives (sockets, pipes) is only named, and nothing is taken away
// long after a run whose supervisor died.
// Does not stop: what another program left there during the run from being taken for the run's.

import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import type { RunPaths } from "#src/state/paths.ts";
import { isOverlayAt } from "#sandbox/mount-table.ts";
import { isWithin } from "#sandbox/protected.ts";
import { isAtOrBelow } from "#sandbox/protected-names.ts";
import type { Shown } from "#sandbox/shown.ts";
import { compareInventories, type Inventory, type InventoryChanges, leaveOut, takeInventory } from "./inventory.ts";
import { markBefore, readSweep, type Sweep, sweepTree } from "./sweep.ts";

export type AllowedFolder = { path: string; apart: ReadonlySet<string>; before: Inventory };
export type AllowedChanges = { folder: string } & InventoryChanges;

const BASELINE = /^allowed-\d+\.json$/;
const baselineOf = ({ root }: Pick<RunPaths, "root">, index: number) => join(root, `allowed-${index}.json`);
const quarantineOf = ({ quarantine }: Pick<RunPaths, "quarantine">, baseline: string) =>
  join(quarantine, baseline.replace(/\.json$/, ""));

/** What in a folder the run cannot write, relative, a character a byte: another's doing if it changes. */
function apartIn(
  folder: string,
  shown: Shown,
  workspace: string,
  protect: Shown["trees"][number]["protect"],
): string[] {
  const { write, denyRead, denyWrite } = shown.permission;
  const closed = [...shown.hidden, ...shown.kept, ...denyRead, ...denyWrite].map(({ path }) => path);
  const named = new Set(write.map(({ path }) => path));
  const paths = [workspace, ...closed.filter((path) => !named.has(path))]
    .filter((path) => path !== folder && isWithin(folder, path))
    .map((path) => relative(folder, path));
  return [...paths, ...protect.files, ...protect.dirs].map((path) => Buffer.from(path).toString("latin1"));
}

const lookAt = (path: string, apart: ReadonlySet<string>): Inventory => {
  const inventory = takeInventory(path);
  return { ...inventory, entries: leaveOut(inventory.entries, apart) };
};

/** Looks at every allowed folder, and writes down what the sweep after the run must leave alone. */
export function markAllowed(paths: RunPaths, shown: Shown, workspace: string): AllowedFolder[] {
  const writable = shown.trees.filter(({ writable }) => writable);
  const outermost = writable.filter(
    ({ path }) => !writable.some((other) => other.path !== path && isWithin(other.path, path)),
  );
  return outermost.map(({ path, protect }, index) => {
    const apart = apartIn(path, shown, workspace, protect);
    const planted = writable
      .filter((tree) => isWithin(path, tree.path))
      .flatMap((tree) => tree.absent.map((name) => relative(path, join(tree.path, name))))
      .map((name) => Buffer.from(name).toString("latin1"))
      .filter((name) => !apart.some((folder) => isAtOrBelow(folder, name)));
    const before = lookAt(path, new Set(apart));
    markBefore(baselineOf(paths, index), before, {
      ...{ tree: path, inside: path, opened: [], shared: true },
      ...{ apart, planted: [...new Set(planted)] },
    });
    return { path, apart: new Set(apart), before };
  });
}

const joined = (sweeps: Sweep[]): Sweep => ({
  swept: sweeps.flatMap(({ swept }) => swept),
  total: sweeps.reduce((sum, { total }) => sum + total, 0),
  unread: sweeps.flatMap(({ unread }) => unread),
});

/** What changed in the allowed folders. */
export function compareAllowed(folders: AllowedFolder[]): AllowedChanges[] {
  return folders.map(({ path, apart, before }) => ({
    folder: path,
    ...compareInventories(path, before, lookAt(path, apart)),
  }));
}

const baselines = ({ root }: Pick<RunPaths, "root">) => readdirSync(root).filter((name) => BASELINE.test(name));

/** An overlay whose supervisor died is not mounted: the empty folder in its place says nothing of what was left in it. */
const isUnseen = ({ baseline, upper, tree }: RunPaths) =>
  existsSync(baseline) && existsSync(upper) && !isOverlayAt(tree);
const UNSEEN: Sweep = { swept: [], total: 0, unread: ["."] };

/**
 * Sweeps all that a run could write in, as its baselines have it, and forgets them; a second call finds nothing. `late`: its supervisor died,
 * nobody knows when.
 */
export function sweepRun(
  paths: RunPaths,
  { after, except, late = false }: { after?: Inventory; except?: ReadonlySet<string>; late?: boolean } = {},
): Sweep {
  const own = isUnseen(paths) ? UNSEEN : sweepTree(paths.baseline, paths.quarantine, after, except);
  const allowed = baselines(paths).map((name) =>
    sweepTree(join(paths.root, name), quarantineOf(paths, name), undefined, undefined, late),
  );
  return joined([own, ...allowed]);
}

/** What an earlier sweep of this run did, when whoever made it could not record it. */
export function readSweeps(paths: RunPaths): Sweep {
  const { quarantine } = paths;
  let names: string[];
  try {
    names = readdirSync(quarantine).filter((name) => BASELINE.test(`${name}.json`));
  } catch {
    names = []; // nothing was swept
  }
  const done = [quarantine, ...names.map((name) => join(quarantine, name))].map(readSweep);
  return joined(isUnseen(paths) ? [...done, UNSEEN] : done);
}
