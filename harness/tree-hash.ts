// One hash for a tree as it is: what a verification's result is bound to. Git's own bookkeeping is not in it. Never follows a link.
// Does not stop: a tree that changes while it is read; whoever asks owns the tree at that moment.

import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { below, walkTree } from "#sandbox/tree.ts";

const CHUNK = 256 * 1024;

/** SHA-256 of a plain file's bytes, hex; null when it is none, or not to be read. */
function hashContent(path: Buffer, buffer: Buffer): string | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null; // not readable: said so in the hash
  }
  try {
    if (!fstatSync(fd).isFile()) return null;
    const hash = createHash("sha256");
    for (let bytes = readSync(fd, buffer); bytes > 0; bytes = readSync(fd, buffer))
      hash.update(buffer.subarray(0, bytes));
    return hash.digest("hex");
  } finally {
    closeSync(fd);
  }
}

/** SHA-256, hex, over path, kind, permission bits and content of every entry below `root`, in the order of their bytes. */
export function hashTree(root: string): string {
  const buffer = Buffer.alloc(CHUNK);
  const lines: string[] = [];
  const isGit = (path: Buffer) => /(^|\/)\.git(\/|$)/.test(path.toString("latin1"));
  for (const { path, stat } of walkTree(
    root,
    ({ path }) => !isGit(path),
    () => lines.push("unreadable"),
  )) {
    if (isGit(path)) continue;
    const full = below(root, path);
    const mode = Number(stat.mode & 0o777n);
    const said = stat.isFile()
      ? ["file", mode, hashContent(full, buffer)]
      : stat.isSymbolicLink()
        ? ["link", readlinkSync(full, { encoding: "buffer" }).toString("hex")]
        : [stat.isDirectory() ? "dir" : "other", mode];
    lines.push(JSON.stringify([path.toString("hex"), ...said]));
  }
  return createHash("sha256").update(lines.sort().join("\n")).digest("hex");
}
