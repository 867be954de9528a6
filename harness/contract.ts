// What a run was asked to be, checked at the boundary and stored with it.

import { totalmem } from "node:os";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { type NetPermission, parseNetPermission } from "#sandbox/net-permission.ts";
import { noPermissionFlags, type PermissionFlags, permissionFlagsSchema } from "#sandbox/permission-flags.ts";
import { parseRunPermission, type RunPermission } from "#sandbox/run-permission.ts";
import { limitsOf, limitsSchema, type RunLimits } from "#sandbox/limits.ts";
import { profileNames, profileOf } from "#sandbox/profile.ts";
import { clientIds, clientOf } from "./clients.ts";
import { checkWorkspace } from "./workspace.ts";

const homes = ["run", "user"] as const;

export const contractSchema = v.strictObject({
  client: v.picklist(clientIds),
  profile: v.picklist(profileNames),
  workspace: v.string(),
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
  const { net, run, ask } = permissions;
  const home = homes.find((known) => known === asked.home);
  if (home === undefined) throw new BrokeError("usage", "unknown home", `use one of: ${homes.join(", ")}`);
  if (client === "exec" && asked.args.length === 0) {
    throw new BrokeError("usage", "no command given", "broke harness run --client exec -- <command> [args]");
  }
  if (profile.net !== "host") parseNetPermission(net, profile.net, ask.net);
  else if (net.any || net.denyAll || net.allow.length + net.deny.length + ask.net.list.length > 0 || ask.net.any) {
    throw new BrokeError(
      "usage",
      `${profile.name} has the host's network, and nothing there holds --allow-net or --deny-net`,
      "use them with strict or hardened",
    );
  }
  parseRunPermission(run, ask.run);
  const asks = Object.entries(ask).find(([, { any, list }]) => any || list.length > 0);
  if (asks !== undefined && !asked.terminal) {
    throw new BrokeError("usage", `--ask-${asks[0]} needs a terminal to ask on`, "allow or deny by name instead");
  }
  const limits = limitsOf(profile.name, asked.limits, { memoryBytes: totalmem(), terminal: asked.terminal });
  const workspace = checkWorkspace(asked.cwd, asked.brokeHome, asked.env);
  return { client, profile: profile.name, workspace, home, permissions, args: asked.args, limits };
}

/** What the run may reach by way of the egress proxy; undefined where it has the host's network. */
export function networkOf({ profile, permissions }: RunContract): NetPermission | undefined {
  const reach = profileOf(profile).net;
  return reach === "host" ? undefined : parseNetPermission(permissions.net, reach, permissions.ask.net);
}

/** Which programs may run; undefined: every one. */
export function programsOf({ permissions }: RunContract): RunPermission | undefined {
  return parseRunPermission(permissions.run, permissions.ask.run);
}
