// One hash for a tree as it is: what a verification's result is bound to. Git's own bookkeeping is not in it. Never follows a link.
// Does not stop: a tree that changes while it is read; whoever asks owns the tree at that moment.

import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { below, walkTree } from "#sandbox/tree.ts";
import { type Entry, entryOf } from "./inventory.ts";

/** A file up to this size is read in one piece. */
export const WHOLE_BYTES = 256 * 1024;
const buffer = Buffer.alloc(WHOLE_BYTES + 1);

/** SHA-256 of a plain file's bytes, hex; null when it is none, or not to be read. `onWhole` gets the bytes of a small one, valid until it returns. */
function hashContent(path: Buffer, onWhole?: (content: Buffer) => void): string | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null; // not readable: said so in the hash
  }
  try {
    if (!fstatSync(fd).isFile()) return null;
    const hash = createHash("sha256");
    let first = true;
    for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, bytes));
      if (first && bytes <= WHOLE_BYTES) onWhole?.(buffer.subarray(0, bytes));
      first = false;
    }
    if (first) onWhole?.(buffer.subarray(0, 0));
    return hash.digest("hex");
  } finally {
    closeSync(fd);
  }
}

function linkTarget(path: Buffer): string | null {
  try {
    return readlinkSync(path, { encoding: "buffer" }).toString("hex");
  } catch {
    return null; // gone
  }
}

/** What the hash takes in of one entry below `root`. */
export function treeLine(
  root: string,
  path: Buffer,
  { kind, mode }: Pick<Entry, "kind" | "mode">,
  onWhole?: (content: Buffer) => void,
): string {
  const full = below(root, path);
  const rights = mode & 0o777;
  const said =
    kind === "file"
      ? ["file", rights, hashContent(full, onWhole)]
      : kind === "link"
        ? ["link", linkTarget(full)]
        : [kind, rights];
  return JSON.stringify([path.toString("hex"), ...said]);
}

/** Whether a path, as bytes or a character a byte, is git's own bookkeeping. */
export const isGitPath = (path: string): boolean => /(^|\/)\.git(\/|$)/.test(path);

/** The hash over the lines of a tree. */
export function hashLines(lines: readonly string[]): string {
  return createHash("sha256").update(lines.toSorted().join("\n")).digest("hex");
}

/** SHA-256, hex, over path, kind, permission bits and content of every entry below `root`, in the order of their bytes. */
export function hashTree(root: string): string {
  const lines: string[] = [];
  const isGit = (path: Buffer) => isGitPath(path.toString("latin1"));
  for (const { path, stat } of walkTree(
    root,
    ({ path }) => !isGit(path),
    () => lines.push("unreadable"),
  )) {
    if (!isGit(path)) lines.push(treeLine(root, path, entryOf(stat)));
  }
  return hashLines(lines);
}
