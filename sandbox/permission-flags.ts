// What is said on a command line, or in a named set, about permissions: one form for every kind, before anything of it is understood.

import * as v from "valibot";

/** The kinds of permission there are, in Deno's words: `--allow-KIND[=…]` and `--deny-KIND[=…]`. */
export const permissionKinds = ["net", "run"] as const;
export type PermissionKind = (typeof permissionKinds)[number];
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
export const noListFlags: ListFlags = { any: false, allow: [], denyAll: false, deny: [] };

/** `any`: the flag bare. */
export const askFlagsSchema = v.strictObject({ any: v.boolean(), list: v.array(v.string()) });
export type AskFlags = v.InferOutput<typeof askFlagsSchema>;
export const noAskFlags: AskFlags = { any: false, list: [] };

export const permissionFlagsSchema = v.strictObject({
  net: listFlagsSchema,
  run: listFlagsSchema,
  ask: v.strictObject({ net: askFlagsSchema, run: askFlagsSchema }),
  /** AF_UNIX left open. */
  unix: v.boolean(),
});
export type PermissionFlags = v.InferOutput<typeof permissionFlagsSchema>;
export const noPermissionFlags: PermissionFlags = {
  net: noListFlags,
  run: noListFlags,
  ask: { net: noAskFlags, run: noAskFlags },
  unix: false,
};

/** Reads the flags of every kind. `flags` holds the bare ones, `values` the lists. */
export function readPermissionFlags({
  flags,
  values,
}: {
  flags: ReadonlySet<string>;
  values: Record<string, string[]>;
}): PermissionFlags {
  const read = (kind: PermissionKind): ListFlags => ({
    any: flags.has(`allow-${kind}`),
    allow: values[`allow-${kind}`] ?? [],
    denyAll: flags.has(`deny-${kind}`),
    deny: values[`deny-${kind}`] ?? [],
  });
  const asked = (kind: PermissionKind): AskFlags => ({
    any: flags.has(`ask-${kind}`),
    list: values[`ask-${kind}`] ?? [],
  });
  return {
    net: read("net"),
    run: read("run"),
    ask: { net: asked("net"), run: asked("run") },
    unix: flags.has("allow-unix"),
  };
}
