// Empty stand-ins for protected names a workspace does not have, so that they can be mounted read-only during a run and are gone
// after it. Written down before they are made, so that a crash leaves a list of what to take away; only what is still exactly ours
// (same inode, empty) is ever removed, from folders that the worker closed too. What cannot be taken away stays on the list.
// Does not stop: seeing the stand-ins in a listing while the run lasts.

import * as v from "valibot";
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { fdPath, isClosed, openBeneath } from "./open.ts";
import type { ProtectedPaths } from "./protected.ts";
import { withRightsBelow } from "./rights.ts";

const journalSchema = v.object({
  root: v.string(),
  made: v.array(v.object({ path: v.string(), kind: v.picklist(["file", "dir"]), ino: v.nullable(v.number()) })),
});
type Journal = v.InferOutput<typeof journalSchema>;

/** Whole or not at all: a crash leaves the journal as it was before. */
function writeJournal(file: string, journal: Journal): void {
  const next = `${file}.next`;
  const fd = openSync(next, "w", 0o600);
  writeSync(fd, JSON.stringify(journal));
  fsyncSync(fd);
  closeSync(fd);
  renameSync(next, file);
}

/** Makes the missing names. `journalFile` lies outside the workspace. Returns the workspace-relative paths made, parents included. Throws `denied` where a name cannot be made, or the workspace is reached by a link. */
export function makePlaceholders(root: string, missing: ProtectedPaths["missing"], journalFile: string): string[] {
  // By descriptor, so that a folder that is swapped for a link meanwhile gets nothing put where the link leads.
  const folder = openBeneath(undefined, root);
  try {
    return makeIn(`/proc/self/fd/${folder}`, root, missing, journalFile);
  } finally {
    closeSync(folder);
  }
}

/** What would be made for the missing names, folders above them included, shallow first. */
export function plannedPlaceholders(base: string, missing: ProtectedPaths["missing"]): ProtectedPaths["missing"] {
  const wanted = new Map<string, "file" | "dir">();
  for (const item of missing) {
    for (let parent = dirname(item.path); parent !== "."; parent = dirname(parent)) {
      if (!existsSync(join(base, parent))) wanted.set(parent, "dir");
    }
    wanted.set(item.path, item.kind);
  }
  const order = [...wanted].sort(([a], [b]) => a.split("/").length - b.split("/").length || (a < b ? -1 : 1));
  return order.map(([path, kind]) => ({ path, kind }));
}

function makeIn(base: string, root: string, missing: ProtectedPaths["missing"], journalFile: string): string[] {
  const made = plannedPlaceholders(base, missing).map((item) => ({ ...item, ino: null }));
  const journal: Journal = { root, made };
  writeJournal(journalFile, journal);
  for (const item of journal.made) {
    const path = join(base, item.path);
    try {
      if (item.kind === "dir") mkdirSync(path, 0o755);
      else closeSync(openSync(path, "wx", 0o444));
    } catch {
      throw new BrokeError(
        "denied",
        `cannot protect ${JSON.stringify(item.path)} in the workspace`,
        "make the workspace writable for yourself",
      );
    }
    item.ino = lstatSync(path).ino;
  }
  writeJournal(journalFile, journal);
  return journal.made.map((item) => item.path);
}

/** Not there, not a folder above it, or something in it: then it is not ours, or not any more. */
const ANOTHERS = ["ENOENT", "ENOTDIR", "ENOTEMPTY", "EEXIST"];

/** Takes one away, if it is still what was made. False: it could not be, and may be there. */
function removeOne(root: string, { path, kind, ino }: Journal["made"][number]): boolean {
  try {
    withRightsBelow(root, dirname(path), (folder) => {
      const full = `${fdPath(folder)}/${basename(path)}`;
      const stat = lstatSync(full);
      // A crash between making a file and writing its inode leaves null: then emptiness and mode alone decide.
      if (ino !== null && stat.ino !== ino) return;
      if (kind === "dir" && stat.isDirectory()) rmdirSync(full);
      else if (kind === "file" && stat.isFile() && stat.size === 0 && (stat.mode & 0o777) === 0o444) unlinkSync(full);
    });
    return true;
  } catch (error) {
    if (error instanceof BrokeError) return !isClosed(error);
    return ANOTHERS.includes((error as NodeJS.ErrnoException).code ?? "");
  }
}

/** What a journal says was made, and where. Throws when it is not one. */
export function readJournal(journalFile: string): Journal {
  return v.parse(journalSchema, JSON.parse(readFileSync(journalFile, "utf8")));
}

/**
 * Removes what `makePlaceholders` made and nothing else, `at` where its folder is now; safe to call twice and after a crash. Returns what could
 * not be removed; the journal stays as long as there is such. Throws only when the journal is none.
 */
export function removePlaceholders(journalFile: string, at?: string): string[] {
  if (!existsSync(journalFile)) return [];
  const { root, made } = readJournal(journalFile);
  const left = made.toReversed().filter((item) => !removeOne(at ?? root, item));
  if (left.length === 0) unlinkSync(journalFile);
  return left.map(({ path }) => path);
}
