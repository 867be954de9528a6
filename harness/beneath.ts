// Acting on a name below an opened folder: reached by descriptors, never through a link.

import { closeSync } from "node:fs";
import { fdPath, openAt } from "#sandbox/open.ts";

/** A path as entries have it, a character a byte. */
export const bytes = (path: string) => Buffer.from(path, "latin1");

/** Acts in the folder above a path below `root`, reached by descriptor and never through a link. */
export function within<Result>(root: number, path: string, act: (folder: number, name: Buffer) => Result): Result {
  const cut = path.lastIndexOf("/");
  const folder = openAt(root, cut === -1 ? "." : bytes(path.slice(0, cut)));
  try {
    return act(folder, bytes(path.slice(cut + 1)));
  } finally {
    closeSync(folder);
  }
}

/** A name in such a folder, as a path. */
export const named = (folder: number, name: Buffer | string) =>
  Buffer.concat([Buffer.from(`${fdPath(folder)}/`), Buffer.from(name as string)]);
