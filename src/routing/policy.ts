// How one of several keys, or of several models, is chosen: the policies' shape and their defaults. Pure.

import * as v from "valibot";

export const policyModes = [
  "priority_order",
  "rotate_on_rate_limit",
  "round_robin",
  "least_recently_used",
  "sticky",
  "manual_pin",
  "weighted",
] as const;
export type PolicyMode = (typeof policyModes)[number];

const MAX_COOLDOWN_MS = 7 * 24 * 3_600_000;

export const policySchema = v.strictObject({
  mode: v.picklist(policyModes),
  /** Names of key variables, or labels. Keys that are not named follow in the pool's own order; models that are not named are not in it. */
  order: v.array(v.string()),
  /** By the same names; 1 where none is given, 0 for one that is only asked when the others cannot be. */
  weights: v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(100))),
  /** Null: what the provider says, or a guess. */
  cooldownMs: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_COOLDOWN_MS))),
  /** How many candidates may be tried; null: all of them. */
  retries: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000))),
});
export type Policy = v.InferOutput<typeof policySchema>;

const unset = { order: [], weights: {}, cooldownMs: null, retries: null };
export const defaultKeyPolicy: Policy = { mode: "rotate_on_rate_limit", ...unset };
export const defaultModelPolicy: Policy = { mode: "priority_order", ...unset };
