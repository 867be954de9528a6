// What a run was asked to be, checked at the boundary and stored with it.

import { existsSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { type NetPermission, parseNetPermission } from "#sandbox/net-permission.ts";
import { noPermissionFlags, type PermissionFlags, permissionFlagsSchema } from "#sandbox/permission-flags.ts";
import { parseProtectedPermission } from "#sandbox/protected-names.ts";
import { limitsOf, limitsSchema, type RunLimits } from "#sandbox/limits.ts";
import { profileNames, profileOf } from "#sandbox/profile.ts";
import { clientIds, clientOf } from "./clients.ts";
import { chooseMode, workspaceModes } from "./workspace-mode.ts";
import { checkWorkspace } from "./workspace.ts";

const homes = ["run", "user"] as const;

export const contractSchema = v.strictObject({
  client: v.picklist(clientIds),
  profile: v.picklist(profileNames),
  workspace: v.string(),
  /** What the run works on: the workspace itself, or a tree made from it. */
  mode: v.picklist(workspaceModes),
  /** Whose client state the client works with: the run's own, made for it and gone with it, or the user's. */
  home: v.picklist(homes),
  /** The permission flags as they were written. */
  permissions: permissionFlagsSchema,
  args: v.array(v.string()),
  limits: limitsSchema,
});
export type RunContract = v.InferOutput<typeof contractSchema>;

/** Checks what the caller asked for. Throws `usage` or `denied` naming what is wrong. */
export function checkContract(asked: {
  client: string;
  profile: string;
  home: string;
  cwd: string;
  mode?: string | undefined;
  permissions?: PermissionFlags | undefined;
  args: string[];
  limits: Partial<RunLimits>;
  /** Whether the client gets a terminal. */
  terminal: boolean;
  brokeHome: string;
  env: Record<string, string | undefined>;
}): RunContract {
  const client = clientOf(asked.client).id;
  const profile = profileOf(asked.profile);
  const permissions = asked.permissions ?? noPermissionFlags;
  const { net } = permissions;
  const home = homes.find((known) => known === asked.home);
  if (home === undefined) throw new BrokeError("usage", "unknown home", `use one of: ${homes.join(", ")}`);
  if (client === "exec" && asked.args.length === 0) {
    throw new BrokeError("usage", "no command given", "broke harness run --client exec -- <command> [args]");
  }
  if (profile.net !== "host") parseNetPermission(net, profile.net);
  else if (net.any || net.denyAll || net.allow.length > 0 || net.deny.length > 0) {
    throw new BrokeError(
      "usage",
      `${profile.name} has the host's network, and nothing there holds --allow-net or --deny-net`,
      "use them with strict or hardened",
    );
  }
  const opened = parseProtectedPermission(permissions.protected);
  if (profile.root === "host" && opened.length > 0) {
    throw new BrokeError("usage", `${profile.name} protects no names`, "leave out --allow-protected");
  }
  const limits = limitsOf(profile.name, asked.limits, { memoryBytes: totalmem(), terminal: asked.terminal });
  const workspace = checkWorkspace(asked.cwd, asked.brokeHome, asked.env);
  const mode = chooseMode({
    asked: asked.mode,
    interactive: asked.terminal,
    policy: false,
    isRepository: existsSync(join(workspace, ".git")),
  });
  if (profile.root === "host" && mode !== "direct") {
    throw new BrokeError(
      "usage",
      `${profile.name} shows the host's file system, the workspace itself with it`,
      "use --workspace with strict or hardened",
    );
  }
  return { client, profile: profile.name, workspace, mode, home, permissions, args: asked.args, limits };
}

/** Protected names of the workspace that are opened to the run. */
export const openedOf = ({ permissions }: RunContract): string[] => parseProtectedPermission(permissions.protected);

/** What the run may reach by way of the egress proxy; undefined where it has the host's network. */
export function networkOf({ profile, permissions }: RunContract): NetPermission | undefined {
  const reach = profileOf(profile).net;
  return reach === "host" ? undefined : parseNetPermission(permissions.net, reach);
}
