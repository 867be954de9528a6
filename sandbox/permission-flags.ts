// What is said on a command line, or in a named set, about permissions: one form for every kind, before anything of it is understood.

import * as v from "valibot";

/** The kinds of permission there are, in Deno's words: `--allow-KIND[=…]` and `--deny-KIND[=…]`. */
export const permissionKinds = ["net", "protected"] as const;
export type PermissionKind = (typeof permissionKinds)[number];

/** The flag bare (`any`, `denyAll`), and its lists as given, each a comma list. */
export const listFlagsSchema = v.strictObject({
  any: v.boolean(),
  allow: v.array(v.string()),
  denyAll: v.boolean(),
  deny: v.array(v.string()),
});
export type ListFlags = v.InferOutput<typeof listFlagsSchema>;
export const noListFlags: ListFlags = { any: false, allow: [], denyAll: false, deny: [] };

export const permissionFlagsSchema = v.strictObject({ net: listFlagsSchema, protected: listFlagsSchema });
export type PermissionFlags = v.InferOutput<typeof permissionFlagsSchema>;
export const noPermissionFlags: PermissionFlags = { net: noListFlags, protected: noListFlags };

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
  return { net: read("net"), protected: read("protected") };
}
