// Walks a folder that somebody hostile may have filled: names are bytes (they need not be UTF-8), nothing is opened but folders, no link is
// followed, nothing a name or a mode can be makes it throw.
// Does not stop: a tree that changes while it is walked; what vanishes meanwhile is left out.

import { type BigIntStats, lstatSync, readdirSync } from "node:fs";

export type TreeEntry = {
  /** Relative to the root, as bytes. */
  path: Buffer;
  /** The last part; null when it is not UTF-8. */
  name: string | null;
  stat: BigIntStats;
};

/** What an entry without content costs: an inode and its name. */
const ENTRY_BYTES = 1024n;

/** What an entry takes of the disk; a file with several names, its share for one of them. */
export function diskBytes(stat: BigIntStats): number {
  const names = stat.isFile() && stat.nlink > 1n ? stat.nlink : 1n;
  return Number((stat.blocks * 512n) / names + ENTRY_BYTES);
}

const SLASH = Buffer.from("/");
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of a name or path; null when it is not UTF-8. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

/** A path as text to show and to store: bytes that are not UTF-8 as `\xHH`. */
export function showPath(path: Buffer): string {
  const text = utf8(path);
  if (text !== null) return text;
  return path
    .toString("latin1")
    .replace(/[^\x20-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** A path below the root, absolute, as bytes. */
export function below(root: string, path: Buffer): Buffer {
  return path.length === 0 ? Buffer.from(root) : Buffer.concat([Buffer.from(root), SLASH, path]);
}

/**
 * Every entry below `root`, folders before what is in them. `enter` says whether to go into a folder; `onUnreadable` hears of folders that
 * cannot be read or whose path is too long for the kernel. `open` may first do something about one that cannot be read or searched, and says
 * whether it did.
 */
export function* walkTree(
  root: string,
  enter: (entry: TreeEntry) => boolean,
  onUnreadable: (path: Buffer) => void,
  open: (folder: Buffer) => boolean = () => false,
): Generator<TreeEntry, void> {
  const pending: Buffer[] = [Buffer.alloc(0)];
  for (let dir = pending.pop(); dir !== undefined; dir = pending.pop()) {
    const names = namesIn(root, dir) ?? (open(dir) ? namesIn(root, dir) : undefined);
    if (names === undefined) {
      onUnreadable(dir);
      continue;
    }
    for (const name of names) {
      const path = dir.length === 0 ? name : Buffer.concat([dir, SLASH, name]);
      let entry = look(root, path, name);
      // What may be read, and not searched, shows names only.
      if (entry === "unreadable" && open(dir)) entry = look(root, path, name);
      if (entry === "gone") continue;
      if (entry === "unreadable") {
        onUnreadable(path);
        continue;
      }
      yield entry;
      if (entry.stat.isDirectory() && enter(entry)) pending.push(path);
    }
  }
}

function namesIn(root: string, dir: Buffer): Buffer[] | undefined {
  try {
    return readdirSync(below(root, dir), { encoding: "buffer" });
  } catch {
    return undefined;
  }
}

function look(root: string, path: Buffer, name: Buffer): TreeEntry | "gone" | "unreadable" {
  try {
    return { path, name: utf8(name), stat: lstatSync(below(root, path), { bigint: true }) };
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "gone" : "unreadable";
  }
}
