// Takes something out of a tree and keeps it where nobody runs it: moved by descriptor into a folder of the run, never through a link; what
// cannot be moved there is copied and removed, or made harmless.
// Does not stop: the operator from putting it back.

import { chmodSync, closeSync, fstatSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fdPath, openAt, openFolder } from "#sandbox/open.ts";
import { withRights } from "#sandbox/rights.ts";
import { copyFileAt, copyLinkAt, copyTree } from "./copy-tree.ts";

export type Removal = { action: "quarantined" | "removed" | "left"; as: string | null };

const split = (path: Buffer): { folder: Buffer; name: Buffer } => {
  const cut = path.lastIndexOf(0x2f);
  return { folder: cut === -1 ? Buffer.from(".") : path.subarray(0, cut), name: path.subarray(cut + 1) };
};

/** A folder that is moved has its `..` rewritten, for which it must be writable itself. */
function openUp(base: number, path: Buffer): void {
  const fd = openAt(base, path);
  chmodSync(fdPath(fd), (fstatSync(fd).mode & 0o777) | 0o700);
  closeSync(fd);
}

function moveOut(root: string, base: number, folder: number, path: Buffer, target: string): Removal {
  const { name } = split(path);
  const from = Buffer.concat([Buffer.from(`${fdPath(folder)}/`), name]);
  const stat = lstatSync(from, { throwIfNoEntry: false });
  if (stat === undefined) return { action: "left", as: null };
  try {
    if (stat.isDirectory()) openUp(base, path);
    renameSync(from, target);
    return { action: "quarantined", as: target };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
  }
  const to = Buffer.from(target);
  const kept = stat.isDirectory()
    ? copyTree(join(root, path.toString()), target).entries >= 0
    : stat.isSymbolicLink()
      ? copyLinkAt(folder, name, to)
      : copyFileAt(base, path, to) !== undefined;
  rmSync(from, { recursive: true, force: true });
  return kept ? { action: "quarantined", as: target } : { action: "removed", as: null };
}

/** Moves what is at a path below `root` away, into `quarantine` under the next number. `left`: it could not be, and is where it was. */
export function quarantine(root: string, path: Buffer, into: string): Removal {
  mkdirSync(into, { recursive: true, mode: 0o700 });
  const used = readdirSync(into).map(Number).filter(Number.isInteger);
  const target = join(into, String(Math.max(0, ...used) + 1).padStart(4, "0"));
  const opened: number[] = [];
  try {
    const base = openFolder(root);
    opened.push(base);
    const folder = openAt(base, split(path).folder);
    opened.push(folder);
    return withRights(folder, () => moveOut(root, base, folder, path, target));
  } catch {
    return { action: "left", as: null }; // whatever stood in the way, it is named and the run is not accepted without it
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

/** Takes setuid and setgid off a file. */
export function clearSetId(root: string, path: Buffer): boolean {
  const base = openFolder(root);
  try {
    const file = openAt(base, path);
    try {
      const stat = fstatSync(file);
      if (!stat.isFile()) return false;
      chmodSync(fdPath(file), stat.mode & 0o777);
      return true;
    } finally {
      closeSync(file);
    }
  } catch {
    return false; // gone, or not ours
  } finally {
    closeSync(base);
  }
}
