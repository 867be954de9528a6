// The user's own client state inside a run (`--home user`): sessions and logs writable, everything that a later start would obey read-only,
// credentials empty. Held by one run at a time; what had to be put in the place of missing names is taken away after it.
// Does not stop: a client from reading the user's other sessions, and from writing into them what a later session reads (transcripts, memory).

import { closeSync, constants, type Dirent, existsSync, lstatSync, openSync, readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import * as libc from "#sandbox/libc.ts";
import { makePlaceholders, removePlaceholders } from "#sandbox/placeholders.ts";
import type { Bind } from "#sandbox/plan.ts";
import { isWithin } from "#sandbox/protected.ts";
import type { Client, UserState } from "./clients/client.ts";

/** What of the folder is shown how. `regenerated` are the run's own files, which are mounted over the user's. Throws `denied` on a link that could not be held. */
export function userStateBinds(
  state: UserState,
  entries: Pick<Dirent, "name" | "isSymbolicLink" | "isFile">[],
  at: { source: string; target: string },
  regenerated: readonly string[],
): Bind[] {
  const binds: Bind[] = [{ source: at.source, target: at.target, mode: "write" }];
  for (const entry of entries) {
    const { name } = entry;
    if (state.writable.test(name)) continue;
    if (entry.isSymbolicLink()) {
      throw new BrokeError(
        "denied",
        `${JSON.stringify(name)} in ${state.folder} is a symbolic link and could be replaced`,
        "replace the link by a real file or folder, or run without --home user",
      );
    }
    if (regenerated.includes(name)) continue;
    const source = state.secret.test(name) && entry.isFile() ? "/dev/null" : join(at.source, name);
    binds.push({ source, target: join(at.target, name), mode: "read" });
  }
  return binds;
}

export type OpenUserState = Disposable & { binds: Bind[]; folder: string };

/**
 * Opens the state for one run; `journal` is where placeholders are written down. `home` is the client's home inside, `regenerated` what of it is the run's own, relative.
 * Throws `usage` for a client without state, `missing` when the user has none, `denied` when the workspace overlaps it, `busy` when another run holds it.
 */
export function openUserState(options: {
  client: Client;
  env: Record<string, string | undefined>;
  workspace: string;
  home: string;
  regenerated: readonly string[];
  journal: string;
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
  if (!libc.tryLock(lock)) {
    closeSync(lock);
    throw new BrokeError("busy", `another run works with ${wanted}`, "wait for it, or leave out --home user");
  }
  const close = () => {
    removePlaceholders(options.journal);
    closeSync(lock);
  };
  try {
    const missing = state.guarded.filter(
      ({ path }) => lstatSync(join(folder, path), { throwIfNoEntry: false }) === undefined,
    );
    makePlaceholders(folder, missing, options.journal);
    const entries = readdirSync(folder, { withFileTypes: true });
    const names = options.regenerated.map((path) => path.slice(state.folder.length + 1));
    const binds = userStateBinds(state, entries, { source: folder, target: join(options.home, state.folder) }, names);
    return { binds, folder, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}
