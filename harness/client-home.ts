// A run's own client home: written fresh before the launch, emptied after it down to the client's transcripts. Nothing a client could
// change here (settings, hooks, plugins) is ever loaded by a later run.
// Does not stop: a transcript from holding whatever the conversation held.

import { lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Client, ClientContext } from "./clients.ts";

/** Makes the home and the client's files in it. Returns what is to be mounted read-only, relative to the home. */
export function makeClientHome(folder: string, client: Client, context: ClientContext): string[] {
  mkdirSync(folder, { mode: 0o700 });
  for (const dir of client.readOnly.dirs) mkdirSync(join(folder, dir), { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(client.homeFiles(context))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, name), text, { mode: 0o600, flag: "wx" });
  }
  return [...client.readOnly.files, ...client.readOnly.dirs];
}

/** Removes everything but what the client keeps. Works through names alone and never follows a link the client may have left. */
export function pruneClientHome(folder: string, keep: string[]): void {
  const prune = (relative: string) => {
    const full = join(folder, relative);
    for (const name of readdirSync(full)) {
      const path = relative === "" ? name : `${relative}/${name}`;
      if (keep.includes(path) && lstatSync(join(folder, path)).isDirectory()) continue;
      const onTheWay = keep.some((kept) => kept.startsWith(`${path}/`));
      if (onTheWay && lstatSync(join(folder, path)).isDirectory()) prune(path);
      else rmSync(join(folder, path), { recursive: true, force: true });
    }
  };
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) prune("");
}
