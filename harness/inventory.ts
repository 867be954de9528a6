// What is in a workspace, before and after: by lstat alone for the comparison (a change of content always moves ctime, which an
// unprivileged process cannot set back), by content hash for what changed. Never follows a link, never opens anything but a regular file.
// Does not stop: a change undone before the second look leaves no trace but the exec log.

import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { below, diskBytes, showPath, type TreeEntry, walkTree } from "#sandbox/tree.ts";

export type EntryKind = "file" | "dir" | "link" | "other";
/** `stamp` says whether it is another one; `changedMs` when it last became so (ctime, since the epoch). */
export type Entry = { kind: EntryKind; mode: number; size: number; stamp: string; linked: boolean; changedMs: number };
/**
 * Relative path, a character a byte (names need not be UTF-8) → what lstat says. `complete` false: not everything could be looked at, and
 * missing entries prove nothing. `bytes` is what all of them take of the disk.
 */
export type Inventory = { entries: Map<string, Entry>; complete: boolean; bytes: number };

export type Change = {
  path: string;
  change: "created" | "modified" | "deleted";
  kind: EntryKind;
  size: number;
  /** SHA-256 of a regular file's new content, or the link's target; null when it was not read (deleted, too large, not a file). */
  sha256: string | null;
  target: string | null;
};
/** `linked` counts changed files that had other names (hard links), which may lie outside the workspace: pnpm and uv link from their stores. */
export type InventoryChanges = {
  changes: Change[];
  total: number;
  inRepositories: number;
  linked: number;
  complete: boolean;
};

const MAX_ENTRIES = 200_000;
const MAX_LISTED = 500;
const MAX_HASHED_BYTES = 16 * 1024 * 1024;

function kindOf(stat: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean }): EntryKind {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "dir";
  return stat.isSymbolicLink() ? "link" : "other";
}

/** What an inventory keeps of an entry. */
export function entryOf(stat: BigIntStats): Entry {
  const kind = kindOf(stat);
  // A folder's own times change with every entry in it, which the entries say better.
  const stamp = kind === "dir" ? "" : `${stat.ino}:${stat.mtimeNs}:${stat.ctimeNs}`;
  const size = kind === "dir" ? 0 : Number(stat.size);
  const linked = kind === "file" && stat.nlink > 1n;
  return { kind, mode: Number(stat.mode), size, stamp, linked, changedMs: Number(stat.ctimeNs / 1000n) / 1000 };
}

/** Whether a folder is as it was: what others may do in it. Whoever takes it over may do everything. */
export const folderStamp = (mode: number | bigint): string => `dir ${folderMode(mode).toString(8)}`;
/** What a folder that is taken over may be used for, and by whom. */
export const folderMode = (mode: number | bigint): number => (Number(mode) & 0o777) | 0o700;

/** How a tree is walked for its inventory; `onUnread` hears of what could not be. */
type Walk = (onUnread: (path: Buffer) => void) => Iterable<TreeEntry>;

/** Looks at every entry below `root`. Entries that vanish meanwhile are left out; a folder that cannot be read makes it incomplete. */
export function takeInventory(
  root: string,
  walk: Walk = (onUnread) => walkTree(root, () => true, onUnread),
): Inventory {
  const entries = new Map<string, Entry>();
  let complete = true;
  let bytes = 0;
  for (const { path, stat } of walk(() => (complete = false))) {
    if (entries.size >= MAX_ENTRIES) return { entries, complete: false, bytes };
    bytes += diskBytes(stat);
    entries.set(path.toString("latin1"), entryOf(stat));
  }
  return { entries, complete, bytes };
}

/** Without our own placeholders. */
export function withoutPlaced(inventory: Inventory, placed: readonly string[]): Inventory {
  if (placed.length === 0) return inventory;
  const ours = new Set(placed.map((path) => Buffer.from(path).toString("latin1")));
  return { ...inventory, entries: new Map([...inventory.entries].filter(([path]) => !ours.has(path))) };
}

/** The entries that are not, and do not lie in, one of `apart`. */
export function leaveOut(entries: Map<string, Entry>, apart: ReadonlySet<string>): Map<string, Entry> {
  if (apart.size === 0) return entries;
  const isApart = (path: string) => {
    for (let end = path.length; end !== -1; end = path.lastIndexOf("/", end - 1))
      if (apart.has(path.slice(0, end))) return true;
    return false;
  };
  return new Map([...entries].filter(([path]) => !isApart(path)));
}

function hashFile(path: Buffer): string | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null; // unreadable is not evidence of content
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > MAX_HASHED_BYTES) return null;
    const hash = createHash("sha256");
    const buffer = Buffer.alloc(64 * 1024);
    for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer))
      hash.update(buffer.subarray(0, bytes));
    return hash.digest("hex");
  } finally {
    closeSync(fd);
  }
}

function linkTarget(path: Buffer): string | null {
  try {
    return showPath(readlinkSync(path, { encoding: "buffer" }));
  } catch {
    return null; // gone, or unreadable: as little evidence as an unreadable file
  }
}

function describe(root: string, key: string, change: Change["change"], entry: Entry): Change {
  const path = Buffer.from(key, "latin1");
  const full = below(root, path);
  const read = change !== "deleted";
  return {
    path: showPath(path),
    change,
    kind: entry.kind,
    size: entry.size,
    sha256: read && entry.kind === "file" ? hashFile(full) : null,
    target: read && entry.kind === "link" ? linkTarget(full) : null,
  };
}

const inode = ({ stamp }: Entry) => stamp.slice(0, stamp.indexOf(":"));

/** What in a repository makes git run something; listed like any other file, but for the samples that come with each. */
const RUNS = /(^|\/)\.git\/(modules\/.*\/)?(config|config\.worktree|info\/attributes|hooks\/.*(?<!\.sample))$/;
const insideGit = (path: string) => /(^|\/)\.git\//.test(path) && !RUNS.test(path);

/** One path that is not as it was, a character a byte. */
export type Difference = { path: string; change: Change["change"]; entry: Entry; old: Entry | undefined };

/** Every difference between two looks but for our own placeholders (`except`), in the order of their paths, and how many lie in git's own bookkeeping. */
export function findDifferences(
  before: Inventory,
  after: Inventory,
  except: ReadonlySet<string> = new Set(),
): { found: Difference[]; inRepositories: number; linked: number } {
  const ours = new Set([...except].map((path) => Buffer.from(path).toString("latin1")));
  const found: Difference[] = [];
  let inRepositories = 0;
  let linked = 0;
  const note = (difference: Difference) => {
    if (ours.has(difference.path)) return;
    if (insideGit(difference.path)) inRepositories += 1;
    else found.push(difference);
  };
  for (const [path, entry] of after.entries) {
    const old = before.entries.get(path);
    if (old === undefined) note({ path, change: "created", entry, old });
    else if (
      old.kind !== entry.kind ||
      old.mode !== entry.mode ||
      old.size !== entry.size ||
      old.stamp !== entry.stamp
    ) {
      note({ path, change: "modified", entry, old });
      if (old.linked && inode(old) === inode(entry)) linked += 1;
    }
  }
  for (const [path, entry] of before.entries)
    if (!after.entries.has(path)) note({ path, change: "deleted", entry, old: entry });
  return { found: found.sort((a, b) => (a.path < b.path ? -1 : 1)), inRepositories, linked };
}

/** What changed between two looks, as `findDifferences` has it; the list is bounded, the totals are not. Git's own bookkeeping is counted, not listed. */
export function compareInventories(
  root: string,
  before: Inventory,
  after: Inventory,
  except: ReadonlySet<string> = new Set(),
): InventoryChanges {
  const { found, inRepositories, linked } = findDifferences(before, after, except);
  return {
    changes: found.slice(0, MAX_LISTED).map(({ path, change, entry }) => describe(root, path, change, entry)),
    total: found.length,
    inRepositories,
    linked,
    complete: before.complete && after.complete,
  };
}
