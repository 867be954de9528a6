// `--workspace copy`: the run works on a copy of the workspace, kept after it; what it changed is taken over when the operator says so, and
// only where the original is still what it was when it was copied. What was done in an overlay (overlay-mode.ts) is taken over in the same way.
// Does not stop: an original that is changed between the check and the last rename of taking over.

import {
  type BigIntStats,
  chmodSync,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from "node:fs";
import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import type { RunPaths } from "#src/state/paths.ts";
import { fdPath, openAt, openFolder, readBeneath } from "#sandbox/open.ts";
import { withRights } from "#sandbox/rights.ts";
import { isAtOrBelow, isOpened, protectedBy } from "#sandbox/protected-names.ts";
import { below, showPath } from "#sandbox/tree.ts";
import { type Copied, copyFileAt, copyLinkAt, copyTree } from "./copy-tree.ts";
import { findTraps } from "./findings.ts";
import { entryOf, folderMode, folderStamp, type Inventory, takeInventory } from "./inventory.ts";
import { isDeleted, isMade, isWritten } from "./overlay-mode.ts";
import { readStored } from "./stored.ts";
import { requireTakeable, type Step } from "./takeable.ts";
import { bytes, named, within } from "./beneath.ts";

/** Per path, a character a byte: what the original was (`was`) and what its copy is at the start (`copy`). */
const manifestSchema = v.object({
  kind: v.picklist(["copy", "overlay"]),
  entries: v.record(v.string(), v.object({ was: v.string(), copy: v.string() })),
});
export type CopyManifest = v.InferOutput<typeof manifestSchema>;

/** What the workspace's entry was, as compared with when the work is taken over. */
export const stampOf = (stat: BigIntStats) => {
  const { kind, mode, size, stamp } = entryOf(stat);
  return kind === "dir" ? folderStamp(mode) : `${kind} ${mode} ${size} ${stamp}`;
};

/** Copies the workspace to `tree` and returns what to compare with afterwards. Throws `denied` when it is too large or not to be read. */
export function makeCopy(workspace: string, tree: string): { manifest: CopyManifest; copied: Copied } {
  const was = new Map<string, string>();
  const copied = copyTree(workspace, tree, (path, stat) => was.set(path.toString("latin1"), stampOf(stat)));
  const entries: CopyManifest["entries"] = Object.create(null);
  for (const [path, entry] of takeInventory(tree).entries) {
    const { kind, mode, size, stamp } = entry;
    entries[path] = {
      was: was.get(path) ?? "",
      copy: kind === "dir" ? folderStamp(mode) : `${kind} ${mode} ${size} ${stamp}`,
    };
  }
  return { manifest: { kind: "copy", entries }, copied };
}

export const readManifest = (file: string): CopyManifest => readStored(file, manifestSchema);

/** What the run did to its copy, in an order that can be done: deletions first, deepest first, then folders, then what is in them. */
function stepsOf({ kind: made, entries }: CopyManifest, now: Inventory, upper: string): Step[] {
  if (!now.complete) {
    throw new BrokeError("denied", "the run's copy cannot be read whole", "look at it yourself: it is kept");
  }
  const steps: Step[] = [];
  for (const [path, entry] of now.entries) {
    const { kind, mode, size, stamp } = entry;
    const before = Object.hasOwn(entries, path) ? entries[path]!.copy : undefined;
    // What shows through from the workspace is its own, also what it got meanwhile.
    if (made === "overlay" && !isWritten(upper, path, before)) continue;
    if (kind === "dir") {
      if (before !== folderStamp(mode)) steps.push({ path, kind: "folder" });
    } else if (before !== `${kind} ${mode} ${size} ${stamp}`) steps.push({ path, kind: "write" });
  }
  const rank = { delete: 0, folder: 1, write: 2 };
  for (const path of Object.keys(entries))
    if (!now.entries.has(path) && (made === "copy" || isDeleted(upper, path))) steps.push({ path, kind: "delete" });
  return steps.sort((a, b) => {
    if (a.kind !== b.kind) return rank[a.kind] - rank[b.kind];
    return (a.path < b.path ? -1 : 1) * (a.kind === "delete" ? -1 : 1);
  });
}

/** What stands in the original; null: nothing that may be reached. */
function standing(root: number, path: string): string | null {
  try {
    return within(root, path, (folder, name) => {
      const stat = lstatSync(named(folder, name), { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? null : stampOf(stat);
    });
  } catch (error) {
    if (error instanceof BrokeError || (error as NodeJS.ErrnoException).code === "ENOTDIR") return null;
    throw error;
  }
}

/** A folder that holds what the run never saw stays. */
function removeEmpty(folder: Buffer): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
  }
}

/** Gives a folder the run's mode; what makes its entries its group's, or each their owner's alone, is the workspace's own. */
function setFolderMode(folder: number, name: Buffer, mode: number): void {
  const made = openAt(folder, name);
  try {
    chmodSync(fdPath(made), (fstatSync(made).mode & 0o7000) | folderMode(mode));
  } finally {
    closeSync(made);
  }
}

function applyIn(folder: number, name: Buffer, from: number, { path, kind }: Step): void {
  const target = named(folder, name);
  const stat = lstatSync(target, { throwIfNoEntry: false });
  if (kind === "delete" || (kind === "folder" && stat?.isDirectory() === false)) {
    if (stat?.isDirectory()) removeEmpty(target);
    else if (stat !== undefined) unlinkSync(target);
  }
  if (kind === "folder") {
    if (!stat?.isDirectory()) mkdirSync(target, 0o700);
    setFolderMode(
      folder,
      name,
      within(from, path, (source, own) => lstatSync(named(source, own)).mode),
    );
  }
  if (kind !== "write") return;
  if (stat?.isDirectory()) rmdirSync(target);
  const made = named(folder, `.broke-${randomUUID()}`);
  try {
    const done = within(from, path, (source, own) => {
      if (lstatSync(named(source, own)).isSymbolicLink()) return copyLinkAt(source, own, made);
      const copied = copyFileAt(from, bytes(path), made);
      if (copied !== undefined) chmodSync(made, Number(copied.mode) & 0o777);
      return copied !== undefined;
    });
    if (done) renameSync(made, target);
  } catch (error) {
    rmSync(made.toString("latin1"), { force: true });
    throw error;
  }
}

/** Does one step. A folder that its owner may not write in is the workspace's own way to be, and stays so. */
function apply(from: number, to: number, step: Step): void {
  within(to, step.path, (folder, name) => withRights(folder, () => applyIn(folder, name, from, step)));
}

/** A landing that ended in the middle: what came before is taken over, and is known again when it is landed once more. */
export class LandedInPart extends BrokeError {
  readonly landed: string[];

  constructor(landed: string[], next: string, all: number) {
    super(
      "denied",
      `taking over ended at ${JSON.stringify(next)}: ${landed.length} of ${all} changes were made before it`,
      "see what is in its way, and land again: what was taken over is known",
    );
    this.landed = landed;
  }
}

const shown = (steps: readonly Step[]) => steps.map(({ path }) => showPath(bytes(path)));

function applyAll(from: number, to: number, steps: readonly Step[]): void {
  requireTakeable(from, to, steps);
  for (const [at, step] of steps.entries()) {
    try {
      apply(from, to, step);
    } catch {
      throw new LandedInPart(shown(steps.slice(0, at)), showPath(bytes(step.path)), steps.length);
    }
  }
}

/**
 * Which steps are not taken: what would make somebody run code, and protected names that were not opened. A repository the run made is judged
 * by what is in it.
 */
function holderOf(
  workspace: string,
  tree: string,
  { kind: made, entries }: CopyManifest,
  now: Inventory,
  { opened, upper }: { opened: readonly string[]; upper: string },
) {
  const traps = findTraps(tree, workspace, now.entries).map(({ path }) => path);
  const isNew = (path: string) => {
    const repository = /^(?:.*\/)?\.git(?=\/|$)/.exec(path)?.[0];
    if (repository === undefined || Object.hasOwn(entries, repository)) return false;
    // In an overlay one that the person made meanwhile shows too.
    return made === "copy" || isMade(upper, repository);
  };
  return ({ path }: Step): boolean => {
    if (isOpened(opened, path)) return false;
    return traps.some((trap) => isAtOrBelow(trap, path)) || (protectedBy(path) !== undefined && !isNew(path));
  };
}

const MAX_COMPARED_BYTES = 64 * 1024 * 1024;

/** Where the link at a path leads; undefined: there is none. */
function linkAt(root: number, path: string): Buffer | undefined {
  try {
    return within(root, path, (folder, name) => readlinkSync(named(folder, name), { encoding: "buffer" }));
  } catch {
    return undefined; // no link, or nothing that may be reached
  }
}

/** Whether a step was taken before: what it would write is what is there. */
function isThere(
  { tree, workspace, made }: { tree: string; workspace: string; made: CopyManifest["kind"] },
  { from, to }: { from: number; to: number },
  { path, kind }: Step,
): boolean {
  if (kind !== "write") return standing(to, path) === (kind === "folder" ? standing(from, path) : null);
  const link = linkAt(from, path);
  if (link !== undefined) return linkAt(to, path)?.equals(link) ?? false;
  const read = (root: string) => readBeneath(root, bytes(path), MAX_COMPARED_BYTES);
  const ours = read(tree);
  // Everything that is copied may be written by its owner.
  const modeOf = (root: string) => (lstatSync(below(root, bytes(path))).mode | (made === "copy" ? 0o600 : 0)) & 0o777;
  return ours !== undefined && (read(workspace)?.equals(ours) ?? false) && modeOf(workspace) === modeOf(tree);
}

export type CopyLanding = { landed: string[]; held: string[] };

/**
 * Takes what the run changed in its copy over into the workspace, but for protected names that were not opened (`held`). Nothing is taken over
 * when the original changed meanwhile anywhere the run did: throws `denied`, naming where.
 */
export function landCopy(
  workspace: string,
  { tree, upper }: Pick<RunPaths, "tree" | "upper">,
  manifest: CopyManifest,
  opened: readonly string[],
): CopyLanding {
  const now = takeInventory(tree);
  const isHeld = holderOf(workspace, tree, manifest, now, { opened, upper });
  const [from, to] = [openFolder(tree), openFolder(workspace)];
  try {
    // What is gone from both is nobody's change any more.
    const isGone = ({ path, kind }: Step) => kind === "delete" && standing(to, path) === null;
    const all = stepsOf(manifest, now, upper).filter((step) => manifest.kind === "copy" || !isGone(step));
    const steps = all.filter(
      (step) => !isHeld(step) && !isThere({ tree, workspace, made: manifest.kind }, { from, to }, step),
    );
    const changed = steps.filter(({ path }) => {
      const now = standing(to, path);
      const was = Object.hasOwn(manifest.entries, path) ? manifest.entries[path]!.was : null;
      return now !== was;
    });
    if (changed.length > 0) {
      throw new BrokeError(
        "denied",
        `${changed.length} of the changed files were changed in the workspace too: ${changed
          .slice(0, 5)
          .map(({ path }) => JSON.stringify(showPath(bytes(path))))
          .join(", ")}`,
        manifest.kind === "copy"
          ? `compare them yourself with ${tree}`
          : "compare them yourself with a copy: `broke harness checkout RUN --out DIR`",
      );
    }
    applyAll(from, to, steps);
    return { landed: shown(steps), held: shown(all.filter(isHeld)) };
  } finally {
    closeSync(from);
    closeSync(to);
  }
}
