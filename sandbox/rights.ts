// Acting in folders that their owner, we ourselves through the worker, closed to himself: a mode is no wall to whoever may change it, and must be
// none to what takes away what a worker left. By descriptor, never through a link; every mode is given back.
// Does not stop: a folder of somebody else's from staying closed; a file system that is read-only by now.

import { chmodSync, closeSync, fstatSync } from "node:fs";
import { fdPath, openAt, openFolder } from "./open.ts";

const ALL = 0o700;

/** Acts in an opened folder, its owner's rights given meanwhile where it is ours. */
export function withRights<Result>(folder: number, act: () => Result): Result {
  const stat = fstatSync(folder);
  const mode = stat.mode & 0o7777;
  if (!stat.isDirectory() || (mode & ALL) === ALL || stat.uid !== process.geteuid!()) return act();
  chmodSync(fdPath(folder), mode | ALL);
  try {
    return act();
  } finally {
    chmodSync(fdPath(folder), mode);
  }
}

function descend<Result>(folder: number, parts: string[], act: (folder: number) => Result): Result {
  const [name, ...rest] = parts;
  return withRights(folder, () => {
    if (name === undefined) return act(folder);
    const next = openAt(folder, name);
    try {
      return descend(next, rest, act);
    } finally {
      closeSync(next);
    }
  });
}

/** Acts in a folder below `root` (`.`: itself), with rights on every folder on the way. Throws `denied` on a link, and where one is gone. */
export function withRightsBelow<Result>(root: string, path: string, act: (folder: number) => Result): Result {
  const folder = openFolder(root);
  try {
    return descend(folder, path === "." ? [] : path.split("/"), act);
  } finally {
    closeSync(folder);
  }
}
