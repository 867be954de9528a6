// The user's own client state inside a run (`--home user`). Only what a later start reads as data is shared: sessions and histories. The folder
// itself is the run's own, so what a client makes there besides (snapshots, databases, credentials, names nobody knows yet) ends with the run;
// the user's settings and the like are shown read-only, credentials not at all. Held by one run at a time.
// Does not stop: a client from reading the user's other sessions, and from writing into them what a later session reads (transcripts, memory).

import {
  closeSync,
  constants,
  copyFileSync,
  type Dirent,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import * as libc from "#sandbox/libc.ts";
import type { Bind } from "#sandbox/plan.ts";
import { isWithin } from "#sandbox/protected.ts";
import { oddEntries } from "./client-home.ts";
import type { Client, UserState } from "./clients/client.ts";

type Place = { source: string; target: string };

/** What of the folder is shown how. `regenerated` are the run's own files. Throws `denied` on a link, which would show what it leads to. */
export function userStateBinds(
  state: UserState,
  entries: Pick<Dirent, "name" | "isSymbolicLink" | "isFile" | "isDirectory">[],
  at: Place,
  regenerated: readonly string[],
): Bind[] {
  const binds: Bind[] = [];
  for (const entry of entries) {
    const { name } = entry;
    const mine = regenerated.includes(name) || state.copied.includes(name);
    if (mine || state.own.test(name) || state.secret.test(name)) continue;
    if (entry.isSymbolicLink()) {
      throw new BrokeError(
        "denied",
        `${JSON.stringify(name)} in ${state.folder} is a symbolic link`,
        "replace the link by a real file or folder, or run without --home user",
      );
    }
    if (!entry.isFile() && !entry.isDirectory()) continue;
    const mode = state.shared.some(({ path }) => path === name) ? "write" : "read";
    binds.push({ source: join(at.source, name), target: join(at.target, name), mode });
  }
  const held = state.held.map((path): Bind => ({
    source: join(at.source, path),
    target: join(at.target, path),
    mode: "read",
  }));
  return [...binds, ...held];
}

const journalSchema = v.object({ folders: v.array(v.string()), odd: v.array(v.string()) });

/** Removes from the shared folders every link, pipe and socket that came with the run: a later start would follow it. Safe to call twice. */
export function clearUserState(journal: string): void {
  if (!existsSync(journal)) return;
  const { folders, odd } = v.parse(journalSchema, parseJson(readFileSync(journal, "utf8")));
  const known = new Set(odd);
  for (const path of folders.flatMap(oddEntries)) {
    if (!known.has(path.toString("latin1"))) rmSync(path, { force: true });
  }
  unlinkSync(journal);
}

export type OpenUserState = Disposable & { binds: Bind[]; folder: string };

/** Makes what the client would make; returns the paths. */
function makeMissing(folder: string, state: UserState): string[] {
  const made: string[] = [];
  const wanted = [...state.shared, ...state.held.map((path) => ({ path, kind: "dir" as const }))];
  for (const { path, kind } of wanted) {
    if (lstatSync(join(folder, path), { throwIfNoEntry: false }) !== undefined) continue;
    if (kind === "dir") mkdirSync(join(folder, path), { mode: 0o700 });
    else closeSync(openSync(join(folder, path), "wx", 0o600));
    made.push(join(folder, path));
  }
  return made;
}

/** Takes away again what nobody has put anything into. */
function removeUnused(made: string[]): void {
  for (const path of made.toReversed()) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() && readdirSync(path).length === 0) rmdirSync(path);
    else if (stat?.isFile() && stat.size === 0) unlinkSync(path);
  }
}

/**
 * Opens the state for one run; `journal` is where it is written down what to look for after it. `home` is the client's home inside, `ownHome` the
 * same on the host, `regenerated` what of it is the run's own, relative.
 * Throws `usage` for a client without state, `missing` when the user has none, `denied` when the workspace overlaps it, `busy` when another run holds it.
 */
export function openUserState(options: {
  client: Client;
  env: Record<string, string | undefined>;
  workspace: string;
  home: string;
  ownHome: string;
  regenerated: readonly string[];
  journal: string;
  /** Nothing is started with it: what was made for it goes again. */
  rehearsal: boolean;
}): OpenUserState {
  const { client, env } = options;
  const state = client.userState;
  if (state === undefined) throw new BrokeError("usage", `${client.id} keeps no state`, "leave out --home user");
  const wanted = join(env.HOME || homedir(), state.folder);
  if (!existsSync(wanted)) {
    throw new BrokeError(
      "missing",
      `there is no ${wanted}`,
      "start the client once by itself, or leave out --home user",
    );
  }
  const folder = realpathSync(wanted);
  // What is written in the workspace would be settings of the user's.
  if (isWithin(folder, options.workspace) || isWithin(options.workspace, folder)) {
    throw new BrokeError("denied", `the workspace and ${wanted} contain one another`, "leave out --home user");
  }
  const lock = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    if (!libc.tryLock(lock))
      throw new BrokeError("busy", `another run works with ${wanted}`, "wait for it, or leave out --home user");
    const made = makeMissing(folder, state);
    const names = options.regenerated.map((path) => path.slice(state.folder.length + 1));
    const at = { source: folder, target: join(options.home, state.folder) };
    const binds = userStateBinds(state, readdirSync(folder, { withFileTypes: true }), at, names);
    for (const name of state.copied) {
      const source = join(folder, name);
      if (lstatSync(source, { throwIfNoEntry: false })?.isFile())
        copyFileSync(source, join(options.ownHome, state.folder, name), constants.COPYFILE_EXCL);
    }
    const folders = state.shared.filter(({ kind }) => kind === "dir").map(({ path }) => join(folder, path));
    const odd = folders.flatMap(oddEntries).map((path) => path.toString("latin1"));
    writeFileSync(options.journal, JSON.stringify({ folders, odd }), { mode: 0o600, flag: "wx" });
    const close = () => {
      clearUserState(options.journal);
      if (options.rehearsal) removeUnused(made);
      closeSync(lock);
    };
    return { binds, folder, [Symbol.dispose]: close };
  } catch (error) {
    closeSync(lock);
    throw error;
  }
}
