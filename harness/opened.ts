// A look at all of a tree that a worker left: folders it closed to their owner, we ourselves, are opened on the way, and closed again by the caller,
// so that nothing hides in them. In one walk: what a worker makes must not cost more than in proportion.
// Does not stop: a folder of somebody else's, or one deeper than the kernel's longest path, from staying unread, which is told.

import { chmodSync, closeSync, fstatSync } from "node:fs";
import { fdPath, openBeneath, openFolder } from "#sandbox/open.ts";
import { type TreeEntry, walkTree } from "#sandbox/tree.ts";

/** A folder that was opened, and the mode it had. */
export type Opened = { path: Buffer; mode: number };

/** More closed folders than any work has; each costs a few calls, twice. */
const MAX_OPENED = 100_000;
const ALL = 0o700;

/** Gives a folder another mode; returns the one it had, undefined when it could not be. */
function setMode(root: string, path: Buffer, change: (mode: number) => number): number | undefined {
  try {
    // Not by way of itself: that takes a right to search it.
    const fd = path.length === 0 ? openFolder(root) : openBeneath(root, path);
    try {
      const stat = fstatSync(fd);
      if (!stat.isDirectory()) return undefined;
      const mode = stat.mode & 0o7777;
      if (mode !== change(mode)) chmodSync(fdPath(fd), change(mode));
      return mode;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // longer than the kernel's longest path, or not ours
  }
}

/** Every entry below `root`, as it was before anything was opened. `opened` gets what the caller closes again, `onUnread` hears of what stays closed. */
export function walkOpening(
  root: string,
  opened: Opened[],
  onUnread: (path: Buffer) => void,
  limit = MAX_OPENED,
): Generator<TreeEntry, void> {
  const open = (path: Buffer): boolean => {
    if (opened.length >= limit) return false;
    const mode = setMode(root, path, (had) => had | ALL);
    if (mode === undefined || (mode & ALL) === ALL) return false;
    opened.push({ path, mode });
    return true;
  };
  return walkTree(root, () => true, onUnread, open);
}

/** Gives what was opened the modes it had, from the inside out. */
export function closeAgain(root: string, opened: readonly Opened[]): void {
  for (const { path, mode } of opened.toReversed()) setMode(root, path, () => mode);
}
