// Named permission sets as `broke.toml` has them (`[permissions.NAME]`), spelled as on the command line; how one is laid on another: on top
// (the operator's own flags on the operator's set), or within (a project's set in the operator's). Pure.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import { parseBrokeToml } from "./broke-toml.ts";
import { parseLimits, parseTimeout, type RunLimits } from "./limits.ts";
import {
  askedKinds,
  type AskFlags,
  bareFlags,
  byNameOnly,
  eachKind,
  type ListFlags,
  type PermissionFlags,
  permissionKinds,
} from "./permission-flags.ts";
import { type ProfileName, profileNames, profileOf } from "./profile.ts";

/** What a set says. `profile` undefined: whatever the launch says. */
export type PermissionSet = {
  profile: ProfileName | undefined;
  flags: PermissionFlags;
  limits: Partial<RunLimits>;
};

const listKeys = permissionKinds.flatMap((kind) => [`allow-${kind}`, `deny-${kind}`]);
const askKeys = askedKinds.map((kind) => `ask-${kind}`);
const keys = ["profile", "timeout", "limits", "allow-all", "allow-unix", ...askKeys, ...listKeys];
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
/** Words of these may hold a comma, which on a command line ends them. */
const PATHS = ["read", "write"];

const listSchema = v.optional(v.union([v.boolean(), v.array(v.string())]), false);
const setSchema = v.looseObject({
  profile: v.optional(v.picklist(profileNames)),
  timeout: v.optional(v.string()),
  limits: v.optional(v.record(v.string(), v.union([v.string(), v.number()])), {}),
  "allow-all": v.optional(v.boolean(), false),
  "allow-unix": v.optional(v.boolean(), false),
});
/** What a key can be, said to who wrote something else. */
const shapes: Record<string, string> = {
  profile: `one of ${profileNames.join(", ")}`,
  timeout: 'text, as in "10m"',
  limits: 'a table, as in { memory = "4g", pids = 400 }',
  "allow-all": "true or false",
  "allow-unix": "true or false",
};
const fileSchema = v.looseObject({ permissions: v.optional(v.record(v.string(), v.unknown()), {}) });

/** One set; `where` is how it is called in errors. Throws `usage` on what a set cannot say. */
export function readPermissionSet(where: string, given: unknown): PermissionSet {
  const wrong = (what: string, hint?: string) => new BrokeError("usage", `${where}: ${what}`, hint);
  const parsed = v.safeParse(setSchema, given);
  if (!parsed.success) {
    const key = parsed.issues[0].path?.map((item) => String(item.key)).join(".") ?? "the set";
    const [first = ""] = key.split(".");
    throw wrong(
      `${key} is not what it can be`,
      Object.hasOwn(shapes, first) ? shapes[first] : "a set is a table of keys",
    );
  }
  const set = parsed.output;
  const unknown = Object.keys(set).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    const guess = nearest(unknown, keys);
    throw wrong("unknown key", guess === undefined ? `keys are ${keys.join(", ")}` : `did you mean ${guess}?`);
  }
  const list = (key: string, paths: boolean): { bare: boolean; words: string[] } => {
    const value = v.safeParse(listSchema, set[key]);
    if (!value.success) throw wrong(`${key} is true or a list of words`);
    if (typeof value.output === "boolean") return { bare: value.output, words: [] };
    return { bare: false, words: value.output.map((word) => (paths ? word.replaceAll(",", ",,") : word)) };
  };
  const asked = (kind: (typeof askedKinds)[number]): AskFlags => {
    const { bare, words } = list(`ask-${kind}`, false);
    return { any: bare, list: words };
  };
  const other = { ask: { net: asked("net"), run: asked("run") }, unix: set["allow-unix"] };
  const flags = eachKind((kind): ListFlags => {
    const [allow, deny] = [`allow-${kind}`, `deny-${kind}`].map((key) => list(key, PATHS.includes(kind))) as [
      ReturnType<typeof list>,
      ReturnType<typeof list>,
    ];
    const wide = set["allow-all"] && !byNameOnly.has(kind);
    if (wide && (allow.bare || allow.words.length > 0)) throw wrong(`allow-all allows ${kind} already`);
    const any = allow.bare || (wide && !deny.bare);
    return { any, allow: allow.words, denyAll: deny.bare, deny: deny.words };
  }, other);
  const limits = Object.entries(set.limits).map(([name, value]) => `${name}=${value}`);
  if (limits.some((limit) => limit.includes(","))) throw wrong("a limit is one amount");
  return {
    profile: set.profile,
    flags,
    limits: {
      ...(limits.length === 0 ? {} : parseLimits(limits.join(","))),
      ...(set.timeout === undefined ? {} : { timeoutMs: parseTimeout(set.timeout) }),
    },
  };
}

/** The sets of a `broke.toml`; `file` is how it is called in errors. Throws `config` when it is not TOML, `usage` on what a set cannot say. */
export function parsePermissionSets(text: string, file: string): Map<string, PermissionSet> {
  const parsed = v.safeParse(fileSchema, parseBrokeToml(text, file));
  if (!parsed.success) throw new BrokeError("usage", `${file}: permissions is a table of sets`);
  const sets = Object.entries(parsed.output.permissions);
  const odd = sets.find(([name]) => !NAME.test(name));
  if (odd !== undefined)
    throw new BrokeError("usage", `${file}: a set has a name that is none`, "letters, digits, - and _");
  return new Map(sets.map(([name, set]) => [name, readPermissionSet(`${file}, permissions.${name}`, set)]));
}

/** One on top of the other: what either allows, but for what either denies. */
export function addFlags(under: PermissionFlags, over: PermissionFlags): PermissionFlags {
  const asked = (kind: (typeof askedKinds)[number]): AskFlags => ({
    any: under.ask[kind].any || over.ask[kind].any,
    list: [...under.ask[kind].list, ...over.ask[kind].list],
  });
  const other = { ask: { net: asked("net"), run: asked("run") }, unix: under.unix || over.unix };
  return eachKind(
    (kind) => ({
      any: under[kind].any || over[kind].any,
      allow: [...under[kind].allow, ...over[kind].allow],
      denyAll: under[kind].denyAll || over[kind].denyAll,
      deny: [...under[kind].deny, ...over[kind].deny],
    }),
    other,
  );
}

/** Stricter first. */
const strictness: ProfileName[] = ["strict", "hardened", "normal"];
const stricter = (a: ProfileName, b: ProfileName) => (strictness.indexOf(a) < strictness.indexOf(b) ? a : b);

/** The smaller of both, where a limit is named; null is none. */
function smallerLimits(inner: Partial<RunLimits>, outer: RunLimits): Partial<RunLimits> {
  const fields = Object.entries(inner) as [keyof RunLimits, number | null][];
  return Object.fromEntries(
    fields.map(([field, value]) => [field, Math.min(value ?? Infinity, outer[field] ?? Infinity)] as const),
  );
}

/** What bounds the flags of a project: an operator's set in a profile that holds nothing allows what it does not hold. */
function boundsOf(outer: PermissionSet, profile: ProfileName): PermissionFlags {
  const { flags } = outer;
  if (outer.profile === "normal" && profile !== "normal")
    return { ...flags, read: bareFlags, write: bareFlags, net: bareFlags };
  const silent = !flags.net.any && !flags.net.denyAll && flags.net.allow.length === 0;
  // What the profile gives by itself, said aloud: laid under other flags it would be taken as narrowed by them.
  if (profileOf(profile).net === "public" && silent) return { ...flags, net: { ...bareFlags, deny: flags.net.deny } };
  return flags;
}

/**
 * A set within another: nothing is allowed that `outer` does not allow. `outerLimits` are all of the outer set's limits, its profile's own
 * included. Flags are bounded when they are understood (`bounds`), not rewritten.
 */
export function narrowSet(
  inner: PermissionSet,
  outer: PermissionSet,
  outerLimits: RunLimits,
): PermissionSet & { bounds: PermissionFlags } {
  const least = outer.profile ?? "strict";
  const profile = inner.profile === undefined ? outer.profile : stricter(inner.profile, least);
  const limits = { ...outer.limits, ...smallerLimits(inner.limits, outerLimits) };
  return { profile, flags: inner.flags, limits, bounds: boundsOf(outer, profile ?? "strict") };
}
