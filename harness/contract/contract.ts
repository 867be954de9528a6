// What a run was asked to be, checked at the boundary and stored with it.

import { existsSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { type NetPermission, parseNetPermission } from "#sandbox/net-permission.ts";
import {
  filePermissionSchema,
  intersectFiles,
  noFilePermission,
  resolveFilePermission,
} from "#sandbox/path-permission.ts";
import { isSaid, noPermissionFlags, type PermissionFlags, permissionFlagsSchema } from "#sandbox/permission-flags.ts";
import { isOpened, parseProtectedPermission } from "#sandbox/protected-names.ts";
import { narrowRun, parseRunPermission, type RunPermission } from "#sandbox/run-permission.ts";
import { limitsOf, limitsSchema, type RunLimits } from "#sandbox/limits.ts";
import { type Profile, profileNames, profileOf } from "#sandbox/profile.ts";
import { parseEnvPermission, type TakenNames } from "#sandbox/env-permission.ts";
import { boundArgs } from "../bounded.ts";
import type { ClientId } from "../clients/client.ts";
import { clientIds, clientOf } from "../clients.ts";
import { ownVariables } from "../environment.ts";
import { checkRoute } from "../routes.ts";
import { brokeHomes } from "../unprotected.ts";
import { chooseMode, type WorkspaceMode, workspaceModes } from "../workspace-mode.ts";
import { checkWorkspace } from "../workspace.ts";
import { taskArgs } from "./prompt.ts";
import { hashContract, noTerms, taskRecord, type Terms, termsSchema } from "./terms.ts";

const MAX_BASE = 256;
const homes = ["run", "user"] as const;

export const contractSchema = v.strictObject({
  client: v.picklist(clientIds),
  profile: v.picklist(profileNames),
  workspace: v.string(),
  /** What the run works on: the workspace itself, or a tree made from it. */
  mode: v.picklist(workspaceModes),
  /** What a worktree begins at; null: the workspace as it is. */
  base: v.nullable(v.pipe(v.string(), v.maxLength(MAX_BASE))),
  /** Whose client state the client works with: the run's own, made for it and gone with it, or the user's. */
  home: v.picklist(homes),
  /** The permission set that was named. */
  set: v.nullable(v.string()),
  /** The permission flags as they were written, the set's with them. */
  permissions: permissionFlagsSchema,
  /** Flags that must allow it too; null where nobody but the caller decides. */
  bounds: v.nullable(permissionFlagsSchema),
  /** The files those flags name, as they were at the launch. */
  files: filePermissionSchema,
  /** The commit whose configuration of agents and tools is shown in place of the workspace's; null: the workspace's own. */
  instructions: v.optional(v.nullable(v.string()), null),
  args: v.array(v.string()),
  limits: limitsSchema,
  ...termsSchema.entries,
});
export type RunContract = v.InferOutput<typeof contractSchema>;

/** What the ledger keeps of it: its hash, and all but the words of the task and of long command lines. */
export function registered(contract: RunContract): Record<string, Json> {
  const { task, ...rest } = contract;
  return {
    ...(rest as Record<string, Json>),
    args: boundArgs(contract.args).argv,
    task: taskRecord(task),
    contract_sha256: hashContract(contract),
  };
}

/** Checks what the caller asked for. Throws `usage` or `denied` naming what is wrong. */
export function checkContract(asked: {
  client: string;
  profile: string;
  home: string;
  cwd: string;
  set?: string | undefined;
  mode?: string | undefined;
  base?: string | undefined;
  permissions?: PermissionFlags | undefined;
  bounds?: PermissionFlags | null | undefined;
  /** Names of the keys the gateway works with. */
  keyNames: readonly string[];
  args: string[];
  limits: Partial<RunLimits>;
  terms?: Terms | undefined;
  instructions?: string | null | undefined;
  /** Whether the client gets a terminal. */
  terminal: boolean;
  /** Whether a person can be asked without one. */
  person?: boolean | undefined;
  brokeHome: string;
  env: Record<string, string | undefined>;
}): RunContract {
  const client = clientOf(asked.client).id;
  const profile = profileOf(asked.profile);
  const permissions = asked.permissions ?? noPermissionFlags;
  const bounds = asked.bounds ?? null;
  const terms = asked.terms ?? noTerms;
  const home = homes.find((known) => known === asked.home);
  if (home === undefined) throw new BrokeError("usage", "unknown home", `use one of: ${homes.join(", ")}`);
  if (client === "exec" && asked.args.length === 0) {
    throw new BrokeError("usage", "no command given", "it goes after `--`, as in `-- npm test`");
  }
  taskArgs(client, asked.args, terms);
  const all = allFlags({ permissions, bounds });
  const taken = takenNames(client, asked.keyNames);
  for (const flags of all) {
    checkHeld(profile, flags);
    parseEnvPermission(flags.env, taken);
    parseRunPermission(flags.run, flags.ask.run);
  }
  const asks = all.flatMap(({ ask }) => Object.entries(ask)).find(([, { any, list }]) => any || list.length > 0);
  if (asks !== undefined && !asked.terminal && asked.person !== true) {
    throw new BrokeError("usage", `--ask-${asks[0]} needs a terminal to ask on`, "allow or deny by name instead");
  }
  const limits = limitsOf(profile.name, asked.limits, { memoryBytes: totalmem(), terminal: asked.terminal });
  const workspace = checkWorkspace(asked.cwd, asked.brokeHome, asked.env);
  const mode = chooseMode({
    asked: asked.mode,
    interactive: asked.terminal,
    policy: terms.policy !== "off",
    isRepository: existsSync(join(workspace, ".git")),
  });
  if (profile.root === "host" && mode !== "direct") {
    throw new BrokeError(
      "usage",
      `${profile.name} shows the host's file system, the workspace itself with it`,
      "use --workspace with strict or hardened",
    );
  }
  const around = { workspace, brokeHomes: brokeHomes(asked.brokeHome) };
  const files =
    profile.root === "host"
      ? noFilePermission
      : all.map(({ read, write }) => resolveFilePermission(read, write, around)).reduce(intersectFiles);
  const { args, set = null, instructions = null } = asked;
  const reach = { profile: profile.name, permissions, bounds };
  checkRoute({ client, home, ...terms }, profile.net === "host" ? "host" : networkOf(reach));
  const base = checkBase(asked.base, mode);
  const granted = { profile: profile.name, workspace, mode, base, home, set, permissions, bounds, files };
  return { client, ...granted, instructions, args, limits, ...terms };
}

/** Names of variables that no run is given from outside. */
export function takenNames(client: ClientId, keyNames: readonly string[]): TakenNames {
  return { own: ownVariables(clientOf(client)), keys: new Set(keyNames) };
}

/** Throws `usage` where it is no name, or would not be used. */
function checkBase(base: string | undefined, mode: WorkspaceMode): string | null {
  if (base === undefined) return null;
  if (mode !== "worktree") throw new BrokeError("usage", "--base is for a worktree", "add --workspace=worktree");
  if (/^[\w][\w./@+-]*$/.test(base) && base.length <= MAX_BASE) return base;
  throw new BrokeError("usage", "--base: not the name of a commit", "name a branch, a tag or a commit");
}

/** What the flags say, and what must allow it too. */
export const allFlags = ({ permissions, bounds }: Pick<RunContract, "permissions" | "bounds">) =>
  bounds === null ? [permissions] : [permissions, bounds];

/** Throws `usage` on what is not understood, and on what the profile could not hold. */
function checkHeld(profile: Profile, { read, write, net, ask, protected: opened }: PermissionFlags): void {
  const refuse = (what: string, flags: string): never => {
    throw new BrokeError(
      "usage",
      `${profile.name} has the host's ${what}, and nothing there holds ${flags}`,
      "use them with strict or hardened",
    );
  };
  const names = parseProtectedPermission(opened);
  if (profile.net !== "host") parseNetPermission(net, profile.net, ask.net);
  else if (isSaid(net) || ask.net.any || ask.net.list.length > 0) refuse("network", "--allow-net or --deny-net");
  if (profile.root !== "host") return;
  if (isSaid(read)) refuse("files", "--allow-read or --deny-read");
  if (isSaid(write)) refuse("files", "--allow-write or --deny-write");
  if (names.length > 0)
    throw new BrokeError("usage", `${profile.name} protects no names`, "leave out --allow-protected");
}

/** Protected names of the workspace that are opened to the run: those that everybody opens who has a say. */
export function openedOf({ permissions, bounds }: Pick<RunContract, "permissions" | "bounds">): string[] {
  const own = parseProtectedPermission(permissions.protected);
  if (bounds === null) return own;
  const within = parseProtectedPermission(bounds.protected);
  return own.filter((name) => isOpened(within, name));
}

/** What the run may reach by way of the egress proxy; undefined where it has the host's network. */
export function networkOf({
  profile,
  permissions,
  bounds,
}: Pick<RunContract, "profile" | "permissions" | "bounds">): NetPermission | undefined {
  const reach = profileOf(profile).net;
  if (reach === "host") return undefined;
  const [own, within] = allFlags({ permissions, bounds }).map(({ net, ask }) =>
    parseNetPermission(net, reach, ask.net),
  );
  if (bounds === null || own === undefined) return own;
  return within && { ...own, within };
}

/** Which programs may run; undefined: every one. */
export function programsOf(contract: Pick<RunContract, "permissions" | "bounds">): RunPermission | undefined {
  return allFlags(contract)
    .map(({ run, ask }) => parseRunPermission(run, ask.run))
    .reduce(narrowRun);
}

/** Whether AF_UNIX is left open. */
export const unixOpen = (contract: Pick<RunContract, "permissions" | "bounds">) =>
  allFlags(contract).every(({ unix }) => unix);
