// Everything a launch needs on disk and in hand before the sandbox exists: the client found, its home written, shims installed, the
// environment built. Returns what the plan is made from.

import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import type { RunPaths } from "#src/state/paths.ts";
import { hostFacts } from "#sandbox/host.ts";
import * as libc from "#sandbox/libc.ts";
import { insidePaths, type PlanInput } from "#sandbox/plan.ts";
import { type Profile, profileOf } from "#sandbox/profile.ts";
import { findProtected } from "#sandbox/protected.ts";
import { clientBinds, findExecutable, nodeBinds } from "#sandbox/toolchains.ts";
import { installShims } from "#shims/install.ts";
import { makeClientHome } from "./client-home.ts";
import { type Client, type ClientContext, clientOf } from "./clients.ts";
import type { RunContract } from "./contract.ts";
import { clientEnvironment } from "./environment.ts";

export type Prepared = { input: Omit<PlanInput, "ignored">; client: Client; command: string; shims: string[] };

/** Folders a client is looked for in: PATH, then our own packages, then where native installers put things. */
export function searchFolders(env: Record<string, string | undefined>): string[] {
  const own = join(dirname(new URL(import.meta.url).pathname), "..", "node_modules", ".bin");
  const path = (env.PATH ?? "").split(":").filter((folder) => folder.startsWith("/"));
  return [...path, own, join(env.HOME ?? homedir(), ".local", "bin")];
}

function findClient(
  client: Client,
  given: string[],
  folders: string[],
): { command: string; args: string[]; binds: PlanInput["tools"] } {
  if (client.binary === undefined) {
    const [program, ...rest] = given;
    if (program === undefined)
      throw new BrokeError("usage", "no command given", "broke harness run --client exec -- <command> [args]");
    return { command: program, args: rest, binds: [] };
  }
  const taken = given.find((arg) => client.reservedArgs.some((name) => arg === name || arg.startsWith(`${name}=`)));
  if (taken !== undefined) throw new BrokeError("usage", `${taken.split("=")[0]} is set by broke`, "leave it out");
  const real = findExecutable(client.binary, folders);
  if (real === undefined) throw new BrokeError("missing", `${client.binary} is not installed`, client.install);
  return { ...clientBinds(client.binary, real), args: given };
}

/** Prepares one run. `token` is the run's nonce; `terminal` whether the client gets one. */
export function prepareRun(options: {
  contract: RunContract;
  paths: RunPaths;
  brokeHome: string;
  token: string;
  terminal: boolean;
  env: Record<string, string | undefined>;
}): Prepared {
  const { contract, paths, env } = options;
  const profile: Profile = profileOf(contract.profile);
  const client = clientOf(contract.client);
  const folders = searchFolders(env);
  const found = findClient(client, contract.args, folders);
  const node = profile.root === "allowlist" ? nodeBinds(folders) : { binds: [], pathDirs: [] };
  const inside = insidePaths({
    profile,
    home: paths.clientHome,
    shims: paths.shims,
    events: paths.events,
    socketDir: paths.socketDir,
  });
  const context: ClientContext = {
    home: inside.home,
    workspace: contract.workspace,
    gatewayUrl: "http://127.0.0.1:{bridge_port}",
    token: options.token,
    terminal: options.terminal,
    confined: profile.root === "allowlist",
  };
  const homeReadOnly = makeClientHome(paths.clientHome, client, context);
  const toolDirs = [...node.pathDirs, "/usr/local/bin", "/usr/bin", "/bin"];
  const shims = installShims(paths.shims, toolDirs, inside.events);
  libc.makePipe(paths.events);
  mkdirSync(paths.socketDir, { mode: 0o700 });
  const pathDirs = profile.root === "allowlist" ? node.pathDirs : [];
  const variables = clientEnvironment(client, context, { shims: inside.shims, pathDirs, term: env.TERM });
  const command =
    profile.root === "host" && found.binds.length > 0 ? (found.binds[0] as { source: string }).source : found.command;
  return {
    client,
    command,
    shims,
    input: {
      profile,
      host: hostFacts(),
      workspace: contract.workspace,
      protect:
        profile.root === "allowlist"
          ? findProtected(contract.workspace)
          : { files: [], dirs: [], missing: [], masked: [], pins: [] },
      home: paths.clientHome,
      homeReadOnly,
      shims: paths.shims,
      events: paths.events,
      socketDir: paths.socketDir,
      tools: [...found.binds, ...node.binds],
      hidden: [options.brokeHome],
      argv: [command, ...client.args(found.args, context)],
      env: variables,
      terminal: options.terminal,
    },
  };
}
