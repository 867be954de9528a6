// Where a client's program is, and what must be shown inside for it to run. Looks only; starts nothing.

import { existsSync, readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import type { Bind } from "#sandbox/plan.ts";
import { isWithin } from "#sandbox/protected.ts";
import { clientBinds, findExecutable } from "#sandbox/toolchains.ts";
import { type Client, ownArgs } from "./clients/client.ts";

/**
 * `command` starts the client inside an allow-listed root, `onHost` where the host's is shown; `args` are the caller's for it. `file` is its program,
 * undefined for a command of the caller's.
 */
export type FoundClient = {
  file: string | undefined;
  command: string[];
  onHost: string[];
  args: string[];
  binds: Bind[];
};

function nvmFolders(home: string): string[] {
  const versions = join(home, ".nvm", "versions", "node");
  try {
    const newest = (a: string, b: string) => Bun.semver.order(b.slice(1), a.slice(1));
    const names = readdirSync(versions).filter((name) => /^v\d+\.\d+\.\d+$/.test(name));
    return names.sort(newest).map((name) => join(versions, name, "bin"));
  } catch {
    return []; // no nvm, or not for us to see
  }
}

const OWN = join(dirname(new URL(import.meta.url).pathname), "..", "node_modules", ".bin");

/** Whether a folder's real place is in the workspace; one that is not there holds nothing anyhow. */
function isIn(workspace: string, folder: string): boolean {
  return existsSync(folder) && isWithin(workspace, realpathSync(folder));
}

/**
 * Folders a client is looked for in: PATH, then our own packages, then where native installers and nvm put things. Not the workspace's own: what
 * is there somebody else may have written, and from where it leads something would be shown inside.
 */
export function searchFolders(env: Record<string, string | undefined>, workspace: string): string[] {
  const home = env.HOME ?? homedir();
  const given = (env.PATH ?? "").split(":").filter((folder) => folder.startsWith("/"));
  return [...given, OWN, join(home, ".local", "bin"), ...nvmFolders(home)].filter(
    (folder) => folder === OWN || !isIn(workspace, folder),
  );
}

const OWN_FLAGS = ["--config=/dev/null", "--no-env-file"];

/** A program of ours, read-only where our Bun is. */
function ownProgram(
  { folder, main }: NonNullable<Client["own"]>,
  args: string[],
  bun: { inside: string; host: string },
): FoundClient {
  const source = realpathSync(folder);
  const target = join(dirname(bun.inside), basename(folder));
  return {
    file: join(source, main),
    command: [bun.inside, ...OWN_FLAGS, join(target, main)],
    onHost: [bun.host, ...OWN_FLAGS, join(source, main)],
    args,
    binds: [{ source, target, mode: "read" }],
  };
}

/** Finds the client. `bun` is our own, inside and on the host: the interpreter of a script where there is no node. Throws `missing`, or `usage` for an argument that is ours to give. */
export function findClient(
  client: Client,
  given: string[],
  folders: string[],
  bun: { inside: string; host: string },
): FoundClient {
  if (client.own !== undefined) return ownProgram(client.own, given, bun);
  if (client.binary === undefined) {
    const [program, ...args] = given;
    if (program === undefined)
      throw new BrokeError("usage", "no command given", "it goes after `--`, as in `-- npm test`");
    return { file: undefined, command: [program], onHost: [program], args, binds: [] };
  }
  const taken = ownArgs(given).find((arg) =>
    client.reservedArgs.some((name) => arg === name || arg.startsWith(`${name}=`)),
  );
  if (taken !== undefined) throw new BrokeError("usage", `${taken.split("=")[0]} is set by broke`, "leave it out");
  const real = findExecutable(client.binary, folders);
  if (real === undefined) throw new BrokeError("missing", `${client.binary} is not installed`, client.install);
  const program = client.program?.(real) ?? { path: real };
  const { command, binds } = clientBinds(client.binary, program.path, program.folder);
  const node = client.script ? findExecutable("node", folders) : undefined;
  const run = (interpreter: string, path: string) => {
    if (!client.script) return [path];
    return node === undefined ? [interpreter, ...OWN_FLAGS, path] : [node, path];
  };
  return {
    file: realpathSync(program.path),
    command: run(bun.inside, command),
    onHost: run(bun.host, program.path),
    args: given,
    binds,
  };
}
