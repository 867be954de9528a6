// Everything a launch needs on disk and in hand before the sandbox exists: the client found, its home written, shims installed, the
// environment built. Returns what the plan is made from.

import { randomUUID } from "node:crypto";
import { lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import type { RunPaths } from "#src/state/paths.ts";
import { parseEnvPermission } from "#sandbox/env-permission.ts";
import { hostFacts } from "#sandbox/host.ts";
import * as libc from "#sandbox/libc.ts";
import type { NetPermission } from "#sandbox/net-permission.ts";
import { type Bind, insideBun, insidePaths, type PlanInput } from "#sandbox/plan.ts";
import { type Profile, profileOf, withLimits } from "#sandbox/profile.ts";
import { isWithin, type ProtectedPaths } from "#sandbox/protected.ts";
import { findPrograms, shimmable } from "#sandbox/run-programs.ts";
import { isShown, nothingShown, type Shown } from "#sandbox/shown.ts";
import { nodeBinds } from "#sandbox/toolchains.ts";
import { areShims, installShims } from "#shims/install.ts";
import { replacedByBase } from "./base-config.ts";
import { sightOf } from "./borrowed.ts";
import { makeClientHome } from "./client-home.ts";
import { canChange, type ClientIdentity, identifyClient } from "./client-identity.ts";
import type { Client, ClientContext } from "./clients/client.ts";
import { clientOf } from "./clients.ts";
import {
  allFlags,
  networkOf,
  openedOf,
  programsOf,
  type RunContract,
  takenNames,
  unixOpen,
} from "./contract/contract.ts";
import { turnArgs } from "./contract/prompt.ts";
import { clientEnvironment, passedVariables } from "./environment.ts";
import { findClient, searchFolders } from "./find-client.ts";
import { pathFolders } from "./path-folders.ts";
import type { SlotName } from "./ports.ts";
import type { Direct } from "./routes.ts";
import { firstTurn, type Turn } from "./run/turn.ts";
import { filesInTree, gatherShown } from "./shown.ts";
import { brokeHomes } from "./unprotected.ts";
import type { WorkTree } from "./work-tree.ts";
import { type OpenUserState, openUserState } from "./user-state.ts";

/** `state` is the user's own, held until it is disposed of. */
export type Prepared = {
  input: Omit<PlanInput, "ignored">;
  client: Client;
  /** The client's own program; undefined for a command of the caller's. */
  identity: ClientIdentity | undefined;
  shims: string[];
  state: OpenUserState | undefined;
  /** What the egress proxy lets out; undefined: there is none. */
  net: NetPermission | undefined;
  /** Variables of the launcher's environment that are passed on. */
  given: Record<string, string>;
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

/**
 * Tools that are not shown already, at the very same path. Where the host's files are shown they are, at their own paths, but for those in the
 * folder for temporary files, which is the run's own; `bun`, which may run the client, with them.
 */
function withoutShown(tools: Bind[], shown: Shown, workspace: string, bun: string): Bind[] {
  if (shown.permission.anyRead) {
    const sources = [bun, ...tools.flatMap((bind) => ("source" in bind ? [bind.source] : []))];
    return sources
      .filter((source) => isWithin("/tmp", source))
      .map((source) => ({ source, target: source, mode: "read" }));
  }
  return tools.filter((bind) => {
    const same = "link" in bind || bind.source === bind.target;
    return !(same && isShown(shown, workspace, bind.target));
  });
}

/** Folders and files allowed by name, as binds: programs in them are shown too. */
function allowedBinds({ permission: { read, write } }: Shown): Bind[] {
  return [...read, ...write].map(({ path }) => ({ source: path, target: path, mode: "read" }));
}

/** Prepares one run. `token` is the run's nonce; `terminal` whether the client gets one; `slots` what it may ask for. */
export function prepareRun(options: {
  contract: RunContract;
  paths: RunPaths;
  brokeHome: string;
  /** Where hashes of clients are remembered. */
  identities: string;
  token: string;
  terminal: boolean;
  env: Record<string, string | undefined>;
  slots: readonly SlotName[];
  /** Names and values of the keys the gateway works with. */
  keyNames: readonly string[];
  secrets: readonly string[];
  tree: Pick<WorkTree, "path" | "objects"> & { id?: string };
  protect: ProtectedPaths;
  /** What the client is lent. */
  direct?: Direct | undefined;
  /** Which turn of the worker it is for; undefined: the first. */
  turn?: Turn;
  /** Nothing will be started. */
  rehearsal?: boolean;
}): Prepared {
  const { contract, paths, env, turn = firstTurn } = options;
  const limited = withLimits(profileOf(contract.profile), contract.limits);
  const profile: Profile = { ...limited, closeUnix: limited.closeUnix && !unixOpen(contract) };
  const confined = profile.root === "allowlist";
  const client = clientOf(contract.client);
  const host = hostFacts();
  const folders = searchFolders(env, contract.workspace);
  const homes = brokeHomes(options.brokeHome);
  const bun = { inside: insideBun({ permission: contract.files }), host: host.bun };
  const found = findClient(client, turnArgs(client, contract.args, contract, turn), folders, bun);
  const identity = found.file === undefined ? undefined : identifyClient(found.file, options.identities);
  const node = confined ? nodeBinds(folders) : { binds: [], pathDirs: [] };
  const tools = [...found.binds, ...node.binds];
  const shown = confined
    ? gatherShown(filesInTree(contract.files, contract.workspace, options.tree.path), {
        ...{ workspace: contract.workspace, brokeHomes: homes, tools, env },
      })
    : nothingShown;
  const { clientHome, events, socketDir } = paths;
  const inside = insidePaths({ profile, shown, home: clientHome, shims: paths.shims, events, socketDir });
  const portMark = `{port_${randomUUID()}}`;
  const net = networkOf(contract);
  const egressMark = net === undefined ? undefined : `{port_${randomUUID()}}`;
  const taken = takenNames(contract.client, options.keyNames);
  const permitted = allFlags(contract).map((flags) => parseEnvPermission(flags.env, taken));
  const given = passedVariables(env, permitted, taken, options.secrets);
  const context: ClientContext = {
    home: inside.home,
    workspace: contract.workspace,
    gatewayUrl: `http://127.0.0.1:${portMark}`,
    token: options.token,
    terminal: options.terminal,
    confined,
    userState: contract.home === "user",
    opened: openedOf(contract),
    slots: options.slots,
    direct: options.direct,
    objections: turn.kind === "first" ? undefined : turn.text,
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
        rehearsal: options.rehearsal ?? false,
      })
    : undefined;
  const own = [
    ...new Set([...node.pathDirs, ...pathFolders(env.PATH, confined ? shown : undefined, contract.workspace)]),
  ];
  const toolDirs = [...own, "/usr/local/bin", "/usr/bin", "/bin"];
  const permission = programsOf(contract);
  writeFileSync(paths.mask, "", { mode: 0o000, flag: "wx" });
  const programs =
    permission &&
    findPrograms(
      permission,
      {
        path: toolDirs,
        binds: confined && !shown.permission.anyRead ? [...tools, ...allowedBinds(shown)] : "all",
        workspace: contract.workspace,
        tree: options.tree.path,
        client: found.onHost,
        bun: host.bun,
      },
      paths.mask,
    );
  const wanted = shimmable(programs);
  const shimming = { events: inside.events, tellsEnds: host.tellsEnds };
  const shims = installShims(paths.shims, toolDirs, shimming, wanted);
  if (!areShims(paths.shims, toolDirs, shimming, wanted)) {
    throw new BrokeError(
      "denied",
      "the run's tool shims were changed as they were written",
      "see who else writes to BROKE_HOME",
    );
  }
  libc.makePipe(events);
  mkdirSync(socketDir, { mode: 0o700 });
  const homeState = state?.binds ?? [];
  if (identity !== undefined && confined) {
    const writable = homeState.flatMap((bind) => ("source" in bind && bind.mode === "write" ? [bind.source] : []));
    if (canChange(identity.path, [contract.workspace, ...writable])) {
      throw new BrokeError(
        "denied",
        `${client.id} lies where it could change itself`,
        "install it outside the workspace, or run in another folder",
      );
    }
  }
  return {
    client,
    identity,
    shims,
    state,
    net,
    given,
    input: {
      profile,
      host,
      workspace: contract.workspace,
      tree: options.tree.path,
      treeId: options.tree.id,
      objects: options.tree.objects,
      protect: options.protect,
      home: clientHome,
      homeReadOnly: regenerated,
      homeState,
      shims: paths.shims,
      events,
      socketDir,
      shown,
      tools: withoutShown(tools, shown, contract.workspace, host.bun),
      hidden: homes,
      emptied: presentIn(
        options.tree.path,
        client.hidden.filter((name) => !context.opened.includes(name)),
      ),
      replaced:
        contract.instructions === null
          ? []
          : replacedByBase(sightOf(contract, options.brokeHome, env), options.tree.path, contract.instructions),
      portMark,
      egressMark,
      argv: [
        ...(confined && !shown.permission.anyRead ? found.command : found.onHost),
        ...client.args(found.args, context),
      ],
      env: {
        ...given,
        ...clientEnvironment(client, context, {
          shims: inside.shims,
          pathDirs: own,
          term: env.TERM,
          egressPort: egressMark,
        }),
      },
      terminal: options.terminal,
      programs,
    },
  };
}
