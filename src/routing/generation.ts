// A generation: everything that influences routing, as one immutable value. A request takes one when it arrives and keeps it.

import * as v from "valibot";
import { dialects } from "#src/core/dialects.ts";
import { accessSchema, openAccess } from "./access.ts";
import { policySchema } from "./policy.ts";
import { quirksSchema } from "./quirk-words.ts";

const label = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9 ._+:/@-]{0,63}$/));
const envName = v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/));

const usd = v.pipe(v.number(), v.minValue(0), v.maxValue(1_000_000));

/** US dollars for a million tokens. What the cache served costs as much as other input where it has no price of its own. */
export const priceSchema = v.strictObject({ input: usd, output: usd, cached: v.nullable(usd) });
export type Price = v.InferOutput<typeof priceSchema>;

/** A backend the operator added: a provider's model, or any base URL with a declared dialect. Absent `keyEnv`: the provider's own, or no key. */
export const backendSchema = v.strictObject({
  label,
  provider: v.nullable(v.string()),
  baseUrl: v.nullable(v.pipe(v.string(), v.url())),
  dialect: v.nullable(v.picklist(dialects)),
  model: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
  keyEnv: v.nullable(envName),
  /** Null: nobody said. */
  price: v.optional(v.nullable(priceSchema), null),
  /** In tokens. */
  contextWindow: v.optional(v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1)))),
  /** What it reads: text, image, … */
  modalities: v.optional(v.nullable(v.array(v.string()))),
  /** What it takes beyond or short of its dialect, where the operator knows better than the tables. */
  quirks: v.optional(quirksSchema),
});
export type StoredBackend = v.InferOutput<typeof backendSchema>;

/** Reasoning models think for minutes without a word. */
const SILENCE_MS = 15 * 60_000;

const labels = v.array(v.string());
const name = v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/));

/** A slot of the operator's own. Its names are matched whole, in any case of letters. */
export const ownSlotSchema = v.strictObject({
  client: v.nullable(v.picklist(["claude", "codex", "gemini"])),
  title: v.string(),
  aliases: v.array(v.string()),
});
export type OwnSlot = v.InferOutput<typeof ownSlotSchema>;

/** Who answers where a slot's backend does not. The first scope that has an entry is used, whole: direct, lane, backend, slot. */
export const fallbacksSchema = v.strictObject({
  /** Slot → labels. */
  direct: v.record(v.string(), labels),
  /** `slot|label` → labels: only while that backend answers for that slot. */
  lane: v.record(v.string(), labels),
  /** Label → labels, whatever slot it answers for. */
  backend: v.record(v.string(), labels),
  /** Slot → slots, whose own backends follow. */
  slot: v.record(v.string(), labels),
});
export type Fallbacks = v.InferOutput<typeof fallbacksSchema>;
export const noFallbacks: Fallbacks = { direct: {}, lane: {}, backend: {}, slot: {} };

/** A saved routing, for a profile or to be loaded. `router`: `broke` starts the gateway alone. */
export const teamSchema = v.strictObject({
  mode: v.picklist(["cli", "router"]),
  slots: v.record(v.string(), v.string()),
  fallbacks: fallbacksSchema,
  access: accessSchema,
});
export type Team = v.InferOutput<typeof teamSchema>;

/** What a token may use: a team, narrowed. */
export const profileSchema = v.strictObject({ team: v.string(), description: v.string(), access: accessSchema });
export type Profile = v.InferOutput<typeof profileSchema>;

export const routingSchema = v.strictObject({
  backends: v.record(v.string(), backendSchema),
  ownSlots: v.record(v.string(), ownSlotSchema),
  /** Slot id → label. */
  slots: v.record(v.string(), v.string()),
  fallbacks: fallbacksSchema,
  /** By provider, or by the base variable of keys that are no known provider's. */
  keyPolicies: v.record(v.string(), policySchema),
  /** By slot. */
  modelPolicies: v.record(v.string(), policySchema),
  teams: v.record(name, teamSchema),
  profiles: v.record(name, profileSchema),
  /** Of who comes without a profile. */
  access: accessSchema,
  /** Refuse a request that its backend's dialect cannot carry whole. */
  lossless: v.optional(v.boolean(), false),
  /** How long a provider may say nothing before its answer counts as broken, in ms. */
  silenceMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(100)), SILENCE_MS),
});
export type Routing = v.InferOutput<typeof routingSchema>;

export type Generation = Readonly<Routing & { id: number }>;

export const emptyRouting: Routing = {
  backends: {},
  ownSlots: {},
  slots: {},
  fallbacks: noFallbacks,
  keyPolicies: {},
  modelPolicies: {},
  teams: {},
  profiles: {},
  access: openAccess,
  lossless: false,
  silenceMs: SILENCE_MS,
};

/** What the first version stored: a slot had its labels in the order they are tried. */
const firstSchema = v.object({
  slots: v.record(v.string(), v.pipe(v.array(v.string()), v.minLength(1))),
});

/** A stored routing of this version or an earlier one; undefined when it is neither. */
export function readRouting(stored: unknown): Routing | undefined {
  const now = v.safeParse(routingSchema, stored);
  if (now.success) return now.output;
  const first = v.safeParse(firstSchema, stored);
  if (!first.success) return undefined;
  const chains = Object.entries(first.output.slots);
  const upgraded = v.safeParse(routingSchema, {
    ...emptyRouting,
    ...(stored as object),
    slots: Object.fromEntries(chains.map(([slot, [head]]) => [slot, head])),
    fallbacks: {
      ...noFallbacks,
      direct: Object.fromEntries(chains.filter(([, all]) => all.length > 1).map(([slot, [, ...rest]]) => [slot, rest])),
    },
  });
  return upgraded.success ? upgraded.output : undefined;
}
