// What a caller may use: which slots, and how much. Limits are kept by others; here is their shape and how they narrow. Pure.

import * as v from "valibot";

const whole = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000_000));

/**
 * `slots` null: all of them. A limit of 0: none. `dailyUsd` in US dollars. `unpricedUsd`: what a budget is charged for a million tokens of a backend whose
 * price nobody said; absent or null: under a budget such a backend is not asked.
 */
export const accessSchema = v.strictObject({
  slots: v.nullable(v.array(v.string())),
  rpm: whole,
  tpm: whole,
  concurrency: whole,
  dailyUsd: v.pipe(v.number(), v.minValue(0), v.maxValue(1_000_000)),
  unpricedUsd: v.optional(v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(1_000_000)))),
});
export type Access = v.InferOutput<typeof accessSchema>;

export const openAccess: Access = { slots: null, rpm: 0, tpm: 0, concurrency: 0, dailyUsd: 0 };

const smaller = (a: number, b: number) => (a === 0 ? b : b === 0 ? a : Math.min(a, b));

function commonSlots(a: string[] | null, b: string[] | null): string[] | null {
  if (a === null) return b;
  return b === null ? a : a.filter((slot) => b.includes(slot));
}

/** Of those that keep a budget, the one that charges most, and before it the one that does not ask at all. */
function dearest(...all: Access[]): Pick<Access, "unpricedUsd"> {
  const said = all.filter(({ dailyUsd }) => dailyUsd > 0).map(({ unpricedUsd }) => unpricedUsd ?? null);
  const known = said.filter((usd) => usd !== null);
  return known.length === 0 || known.length < said.length ? {} : { unpricedUsd: Math.max(...known) };
}

/** Whether a backend may be asked: what it costs is known, or what it is to be charged, or nobody counts. */
export const mayCost = ({ dailyUsd, unpricedUsd }: Access, price: object | null): boolean =>
  price !== null || dailyUsd === 0 || (unpricedUsd ?? null) !== null;

/** What both allow: it is never more than either. */
export function narrow(a: Access, b: Access): Access {
  return {
    ...dearest(a, b),
    slots: commonSlots(a.slots, b.slots),
    rpm: smaller(a.rpm, b.rpm),
    tpm: smaller(a.tpm, b.tpm),
    concurrency: smaller(a.concurrency, b.concurrency),
    dailyUsd: smaller(a.dailyUsd, b.dailyUsd),
  };
}

/** Whether the slot may be asked for at all. */
export function allowsSlot({ slots }: Access, slot: string): boolean {
  return slots === null || slots.includes(slot);
}
