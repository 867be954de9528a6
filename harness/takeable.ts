// Whether a landing can be done to its end, asked before its first change: what is to be written can be read and has room, and no folder that makes way
// holds more than what goes.
// Does not stop: what becomes of either side after that; then the landing ends in the middle and says so.

import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, statfsSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { fdPath, openAt } from "#sandbox/open.ts";
import { showPath } from "#sandbox/tree.ts";
import { bytes, named, within } from "./beneath.ts";

/** One change: what is at the path is written, made a folder, or taken away. */
export type Step = { path: string; kind: "write" | "folder" | "delete" };

const shown = (path: string) => JSON.stringify(showPath(bytes(path)));

/** Bytes that a write step brings along. Throws what keeps it from being read. */
function readable(from: number, path: string): number {
  return within(from, path, (folder, name) => {
    const at = named(folder, name);
    if (lstatSync(at).isSymbolicLink()) return readlinkSync(at, { encoding: "buffer" }).length;
    const handle = openAt(folder, name);
    try {
      const fd = openSync(fdPath(handle), constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        return Number(fstatSync(fd).size);
      } finally {
        closeSync(fd);
      }
    } finally {
      closeSync(handle);
    }
  });
}

/** What a folder that makes way for something else holds besides what goes first. */
function leftIn(to: number, path: string, goes: ReadonlySet<string>): string | undefined {
  let names: Buffer[];
  try {
    names = within(to, path, (folder, name) => readdirSync(named(folder, name), { encoding: "buffer" }));
  } catch {
    return undefined; // no folder, or none that may be reached: nothing of it makes way
  }
  return names.map((name) => `${path}/${name.toString("latin1")}`).find((inside) => !goes.has(inside));
}

function isFolder(to: number, path: string): boolean {
  try {
    return within(to, path, (folder, name) => lstatSync(named(folder, name)).isDirectory());
  } catch {
    return false;
  }
}

/** Throws `denied`, naming what is in the way; then nothing was changed. */
export function requireTakeable(from: number, to: number, steps: readonly Step[]): void {
  const goes = new Set(steps.filter(({ kind }) => kind === "delete").map(({ path }) => path));
  let size = 0;
  for (const { path, kind } of steps) {
    if (kind !== "write") continue;
    try {
      size += readable(from, path);
    } catch {
      throw new BrokeError(
        "denied",
        `${shown(path)} of the run's work cannot be read, so nothing was taken over`,
        "`broke harness checkout` copies what can be; `broke harness discard` takes all of it away",
      );
    }
    const left = isFolder(to, path) ? leftIn(to, path, goes) : undefined;
    if (left !== undefined)
      throw new BrokeError(
        "denied",
        `a folder of the workspace makes way for a file and still holds ${shown(left)}, so nothing was taken over`,
        "move it away, and land again",
      );
  }
  const { bavail, bsize } = statfsSync(fdPath(to));
  if (size > bavail * bsize)
    throw new BrokeError("denied", "the workspace's disk has no room for the run's work", "make room, and land again");
}
