// What differs between two routings, name by name, for people and programs to read before one takes the other's place. Pure.

import type { Json } from "#src/core/json.ts";
import type { Routing } from "./generation.ts";

/** `path` as in `slots.sonnet`; null: not there. */
export type Difference = { path: string; before: Json; after: Json };

/** Whose values are records by name: each entry is shown whole, the rest as it is. */
const records = ["backends", "ownSlots", "slots", "keyPolicies", "modelPolicies", "teams", "profiles"] as const;
const scopes = ["direct", "lane", "backend", "slot"] as const;

/** Every named part of a routing, in a fixed order. */
export function partsOf(routing: Routing): Map<string, Json> {
  const parts = new Map<string, Json>();
  const put = (group: string, items: Record<string, unknown>) => {
    for (const name of Object.keys(items).sort()) parts.set(`${group}.${name}`, items[name] as Json);
  };
  for (const group of records) put(group, routing[group]);
  for (const scope of scopes) put(`fallbacks.${scope}`, routing.fallbacks[scope]);
  put("access", routing.access);
  parts.set("lossless", routing.lossless);
  parts.set("silenceMs", routing.silenceMs);
  return parts;
}

/** What is to change for `before` to become `after`; empty: they are the same. */
export function differences(before: Routing, after: Routing): Difference[] {
  const [old, now] = [partsOf(before), partsOf(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])];
  return paths.flatMap((path) => {
    const [was, is] = [old.get(path) ?? null, now.get(path) ?? null];
    return Bun.deepEquals(was, is) ? [] : [{ path, before: was, after: is }];
  });
}

/** One line for people. */
export function describeDifference({ path, before, after }: Difference): string {
  const show = (value: Json) => (typeof value === "string" && !/\p{C}/u.test(value) ? value : JSON.stringify(value));
  if (before === null) return `+ ${path} = ${show(after)}`;
  return after === null ? `- ${path} = ${show(before)}` : `~ ${path}: ${show(before)} → ${show(after)}`;
}
