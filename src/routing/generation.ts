// A generation: everything that influences routing, as one immutable value. A request takes one when it arrives and keeps it.

import * as v from "valibot";
import { dialects } from "#src/core/dialects.ts";

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
});
export type StoredBackend = v.InferOutput<typeof backendSchema>;

/** Reasoning models think for minutes without a word. */
const SILENCE_MS = 15 * 60_000;

export const routingSchema = v.strictObject({
  backends: v.record(v.string(), backendSchema),
  /** Slot id → labels in the order they are tried. */
  slots: v.record(v.string(), v.pipe(v.array(v.string()), v.minLength(1))),
  /** Refuse a request that its backend's dialect cannot carry whole. */
  lossless: v.optional(v.boolean(), false),
  /** How long a provider may say nothing before its answer counts as broken, in ms. */
  silenceMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(100)), SILENCE_MS),
});
export type Routing = v.InferOutput<typeof routingSchema>;

export type Generation = Readonly<Routing & { id: number }>;

export const emptyRouting: Routing = { backends: {}, slots: {}, lossless: false, silenceMs: SILENCE_MS };
