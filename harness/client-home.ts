// A run's own client home: written fresh before the launch, emptied after it down to the client's transcripts. Nothing a client could
// change here (settings, hooks, plugins) is ever loaded by a later run.
// Does not stop: a transcript from holding whatever the conversation held.

import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { below, utf8, walkTree } from "#sandbox/tree.ts";
import type { Client, ClientContext } from "./clients/client.ts";

/**
 * Makes the home and the client's files in it; in one that was pruned after an earlier turn, anew. Returns what is to be mounted read-only, relative
 * to the home.
 */
export function makeClientHome(folder: string, client: Client, context: ClientContext): string[] {
  // Never behind a link; what an earlier turn left of it holds none any more.
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) mkdirSync(folder, { mode: 0o700 });
  for (const dir of client.readOnly.dirs) mkdirSync(`${folder}/${dir}`, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(client.homeFiles(context))) {
    mkdirSync(dirname(`${folder}/${name}`), { recursive: true, mode: 0o700 });
    writeFileSync(`${folder}/${name}`, text, { mode: 0o600, flag: "wx" });
  }
  return [...client.readOnly.files, ...client.readOnly.dirs];
}

/** Opens a folder for us that its owner (we ourselves, through the client) closed; a link is left alone. */
function unlock(path: Buffer): boolean {
  try {
    if (!lstatSync(path).isDirectory()) return false;
    chmodSync(path, 0o700);
    return true;
  } catch {
    return false; // gone, or beyond the kernel's longest path
  }
}

function namesIn(path: Buffer): Buffer[] {
  try {
    return readdirSync(path, { encoding: "buffer" });
  } catch {
    return [];
  }
}

/** Removes an entry and all below it, whatever modes and names were given to it. */
export function removeTree(path: Buffer): void {
  if (unlock(path)) for (const name of namesIn(path)) removeTree(join(path, name));
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // What is nested beyond the kernel's longest path stays: nothing ever reads it again.
  }
}

const join = (folder: Buffer, name: Buffer) => Buffer.concat([folder, Buffer.from("/"), name]);

/** Everything below a folder that is neither a plain file nor a folder: links, pipes, sockets. Absolute. */
export function oddEntries(folder: string): Buffer[] {
  const found: Buffer[] = [];
  for (const { path, stat } of walkTree(
    folder,
    () => true,
    () => {},
  )) {
    if (!stat.isFile() && !stat.isDirectory()) found.push(below(folder, path));
  }
  return found;
}

/** Leaves of a kept folder its files, for their owner alone, and the folders they are in. */
function dropOdd(dir: Buffer): void {
  unlock(dir);
  for (const name of namesIn(dir)) {
    const full = join(dir, name);
    try {
      const stat = lstatSync(full);
      if (stat.isDirectory()) dropOdd(full);
      else if (stat.isFile()) chmodSync(full, 0o600);
      else removeTree(full);
    } catch {
      // Beyond the kernel's longest path: nothing ever reads it again.
    }
  }
}

/**
 * Removes everything but what the client keeps: of that, plain files and folders. Works through names alone and never follows a link the client may have left. Never throws:
 * the end of a run does not depend on what the client did to its home.
 */
export function pruneClientHome(folder: string, keep: string[]): void {
  const prune = (dir: Buffer, relative: string) => {
    if (!unlock(dir)) return;
    for (const name of namesIn(dir)) {
      const text = utf8(name);
      const path = relative === "" ? (text ?? "") : `${relative}/${text ?? ""}`;
      const full = join(dir, name);
      const isFolder = text !== null && (lstatSync(full, { throwIfNoEntry: false })?.isDirectory() ?? false);
      if (isFolder && keep.includes(path)) dropOdd(full);
      else if (isFolder && keep.some((kept) => kept.startsWith(`${path}/`))) prune(full, path);
      else removeTree(full);
    }
  };
  prune(Buffer.from(folder), "");
}
