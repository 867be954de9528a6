// What is said on a command line, or in a named set, about permissions: one form for every kind, before anything of it is understood.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";

/** The kinds of permission there are, in Deno's words: `--allow-KIND[=…]` and `--deny-KIND[=…]`. */
export const permissionKinds = ["read", "write", "net", "env", "run", "protected"] as const;
export type PermissionKind = (typeof permissionKinds)[number];
/** Kinds that `-A` does not cover: what others would run later is opened by name alone. */
export const byNameOnly: ReadonlySet<PermissionKind> = new Set(["protected"]);
/** The kinds that may be asked about while the client waits: `--ask-KIND[=…]`. */
export const askedKinds = ["net", "run"] as const satisfies PermissionKind[];

/** The flag bare (`any`, `denyAll`), and its lists as given, each a comma list. */
export const listFlagsSchema = v.strictObject({
  any: v.boolean(),
  allow: v.array(v.string()),
  denyAll: v.boolean(),
  deny: v.array(v.string()),
});
export type ListFlags = v.InferOutput<typeof listFlagsSchema>;
/** `--allow-KIND` alone. */
export const bareFlags: ListFlags = { any: true, allow: [], denyAll: false, deny: [] };
export const noListFlags: ListFlags = { any: false, allow: [], denyAll: false, deny: [] };

/** `any`: the flag bare. */
export const askFlagsSchema = v.strictObject({ any: v.boolean(), list: v.array(v.string()) });
export type AskFlags = v.InferOutput<typeof askFlagsSchema>;
export const noAskFlags: AskFlags = { any: false, list: [] };

export const permissionFlagsSchema = v.strictObject({
  read: listFlagsSchema,
  write: listFlagsSchema,
  net: listFlagsSchema,
  env: listFlagsSchema,
  run: listFlagsSchema,
  protected: listFlagsSchema,
  ask: v.strictObject({ net: askFlagsSchema, run: askFlagsSchema }),
  /** AF_UNIX left open. */
  unix: v.boolean(),
});
export type PermissionFlags = v.InferOutput<typeof permissionFlagsSchema>;

/** What is said of asking and of AF_UNIX, beside the kinds. */
export type OtherFlags = Pick<PermissionFlags, "ask" | "unix">;
export const noOtherFlags: OtherFlags = { ask: { net: noAskFlags, run: noAskFlags }, unix: false };

/** The same for every kind. */
export function eachKind(make: (kind: PermissionKind) => ListFlags, other: OtherFlags = noOtherFlags): PermissionFlags {
  return {
    read: make("read"),
    write: make("write"),
    net: make("net"),
    env: make("env"),
    run: make("run"),
    protected: make("protected"),
    ...other,
  };
}
export const noPermissionFlags: PermissionFlags = eachKind(() => noListFlags);

/** Whether anything was said of a kind. */
export const isSaid = ({ any, allow, denyAll, deny }: ListFlags) =>
  any || denyAll || allow.length > 0 || deny.length > 0;

/**
 * Reads the flags of every kind. `flags` holds the bare ones, `values` the lists. `-A` (`allow-all`) is every kind bare, but for a kind that is
 * denied whole; as in Deno it takes no other `--allow-…` beside it. Throws `usage`.
 */
export function readPermissionFlags({
  flags,
  values,
}: {
  flags: ReadonlySet<string>;
  values: Record<string, string[]>;
}): PermissionFlags {
  const all = flags.has("allow-all");
  if (flags.has("allow-path")) throw new BrokeError("usage", "--allow-path needs a path", "--allow-path=DIR");
  const asked = (kind: PermissionKind): AskFlags => ({
    any: flags.has(`ask-${kind}`),
    list: values[`ask-${kind}`] ?? [],
  });
  const other = { ask: { net: asked("net"), run: asked("run") }, unix: flags.has("allow-unix") };
  return eachKind((kind) => {
    // The seed's word for a folder a client may work in, beside the workspace.
    const paths = kind === "write" ? (values["allow-path"] ?? []) : [];
    const allow = [...(values[`allow-${kind}`] ?? []), ...paths];
    const bare = flags.has(`allow-${kind}`);
    const wide = all && !byNameOnly.has(kind);
    if (wide && (bare || allow.length > 0)) {
      throw new BrokeError("usage", "-A allows everything", `leave out --allow-${kind}, or -A`);
    }
    const denyAll = flags.has(`deny-${kind}`);
    return { any: bare || (wide && !denyAll), allow, denyAll, deny: values[`deny-${kind}`] ?? [] };
  }, other);
}
