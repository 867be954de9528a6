// Everything a launch needs on disk and in hand before the sandbox exists: the client found, its home written, shims installed, the
// environment built. Returns what the plan is made from.

import { randomUUID } from "node:crypto";
import { lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import type { RunPaths } from "#src/state/paths.ts";
import { hostFacts } from "#sandbox/host.ts";
import * as libc from "#sandbox/libc.ts";
import type { NetPermission } from "#sandbox/net-permission.ts";
import { INSIDE_BUN, insidePaths, type PlanInput } from "#sandbox/plan.ts";
import { type Profile, profileOf, withLimits } from "#sandbox/profile.ts";
import type { ProtectedPaths } from "#sandbox/protected.ts";
import { findPrograms, shimmable } from "#sandbox/run-programs.ts";
import { nodeBinds } from "#sandbox/toolchains.ts";
import { installShims } from "#shims/install.ts";
import { makeClientHome } from "./client-home.ts";
import type { Client, ClientContext } from "./clients/client.ts";
import { clientOf } from "./clients.ts";
import { networkOf, programsOf, type RunContract } from "./contract.ts";
import { clientEnvironment } from "./environment.ts";
import { findClient, searchFolders } from "./find-client.ts";
import type { SlotName } from "./ports.ts";
import { type OpenUserState, openUserState } from "./user-state.ts";

/** `state` is the user's own, held until it is disposed of. */
export type Prepared = {
  input: Omit<PlanInput, "ignored">;
  client: Client;
  shims: string[];
  state: OpenUserState | undefined;
  /** What the egress proxy lets out; undefined: there is none. */
  net: NetPermission | undefined;
};

/** Which of the folders the client must not see there are. Throws `denied` on a link: what it leads to would be hidden instead. */
function presentIn(workspace: string, folders: string[]): string[] {
  return folders.filter((name) => {
    const stat = lstatSync(join(workspace, name), { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) {
      throw new BrokeError(
        "denied",
        `${name} in the workspace is a symbolic link`,
        "replace the link by a real folder",
      );
    }
    return stat?.isDirectory() ?? false;
  });
}

/** Prepares one run. `token` is the run's nonce; `terminal` whether the client gets one; `slots` what it may ask for. */
export function prepareRun(options: {
  contract: RunContract;
  paths: RunPaths;
  brokeHome: string;
  token: string;
  terminal: boolean;
  env: Record<string, string | undefined>;
  slots: readonly SlotName[];
  protect: ProtectedPaths;
}): Prepared {
  const { contract, paths, env } = options;
  const limited = withLimits(profileOf(contract.profile), contract.limits);
  const profile: Profile = { ...limited, closeUnix: limited.closeUnix && !contract.permissions.unix };
  const confined = profile.root === "allowlist";
  const client = clientOf(contract.client);
  const host = hostFacts();
  const folders = searchFolders(env, contract.workspace);
  const found = findClient(client, contract.args, folders, { inside: INSIDE_BUN, host: host.bun });
  const node = confined ? nodeBinds(folders) : { binds: [], pathDirs: [] };
  const { clientHome, events, socketDir } = paths;
  const inside = insidePaths({ profile, home: clientHome, shims: paths.shims, events, socketDir });
  const portMark = `{port_${randomUUID()}}`;
  const net = networkOf(contract);
  const egressMark = net === undefined ? undefined : `{port_${randomUUID()}}`;
  const context: ClientContext = {
    home: inside.home,
    workspace: contract.workspace,
    gatewayUrl: `http://127.0.0.1:${portMark}`,
    token: options.token,
    terminal: options.terminal,
    confined,
    userState: contract.home === "user",
    slots: options.slots,
  };
  const regenerated = makeClientHome(clientHome, client, context);
  const state = context.userState
    ? openUserState({
        client,
        env,
        workspace: contract.workspace,
        home: inside.home,
        ownHome: clientHome,
        regenerated: client.readOnly.files,
        journal: paths.userState,
      })
    : undefined;
  const toolDirs = [...node.pathDirs, "/usr/local/bin", "/usr/bin", "/bin"];
  const tools = [...found.binds, ...node.binds];
  const permission = programsOf(contract);
  writeFileSync(paths.mask, "", { mode: 0o000, flag: "wx" });
  const programs =
    permission &&
    findPrograms(
      permission,
      {
        path: toolDirs,
        binds: confined ? tools : "all",
        workspace: contract.workspace,
        client: found.onHost,
        bun: host.bun,
      },
      paths.mask,
    );
  const shims = installShims(paths.shims, toolDirs, inside.events, shimmable(programs));
  libc.makePipe(events);
  mkdirSync(socketDir, { mode: 0o700 });
  return {
    client,
    shims,
    state,
    net,
    input: {
      profile,
      host,
      workspace: contract.workspace,
      protect: options.protect,
      home: clientHome,
      homeReadOnly: regenerated,
      homeState: state?.binds ?? [],
      shims: paths.shims,
      events,
      socketDir,
      tools,
      hidden: [options.brokeHome],
      emptied: presentIn(contract.workspace, client.hidden),
      portMark,
      egressMark,
      argv: [...(confined ? found.command : found.onHost), ...client.args(found.args, context)],
      env: clientEnvironment(client, context, {
        shims: inside.shims,
        pathDirs: node.pathDirs,
        term: env.TERM,
        egressPort: egressMark,
      }),
      terminal: options.terminal,
      programs,
    },
  };
}
