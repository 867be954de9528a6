// What may be used, as options: the same words for a team, a profile and everybody.

import type { ArgsDef } from "citty";
import { BrokeError } from "#src/core/errors.ts";
import type { Access } from "#src/routing/access.ts";
import type { AccessChange } from "#src/routing/presets.ts";

export const accessArgs = {
  slots: { type: "string", description: "the slots that may be asked for: a,b or all" },
  rpm: { type: "string", description: "requests a minute; 0: no limit" },
  tpm: { type: "string", description: "tokens a minute; 0: no limit" },
  concurrency: { type: "string", description: "requests at once; 0: no limit" },
  "daily-usd": { type: "string", description: "US dollars a day; 0: no limit" },
  unpriced: {
    type: "string",
    description:
      "under --daily-usd, a backend without a price: not asked, free, or what a million of its tokens are charged",
    valueHint: "refuse|free|usd",
  },
} as const satisfies ArgsDef;

function whole(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d{1,9}$/.test(given)) throw new BrokeError("usage", `--${name} is a whole number, 0 for no limit`);
  return Number(given);
}

/** What was given; the rest is left as it is. Throws `usage`. */
export function accessOf(values: Record<string, string[]>): AccessChange {
  const slots = values.slots?.[0];
  const usd = values["daily-usd"]?.[0];
  if (usd !== undefined && !/^\d{1,6}(\.\d{1,4})?$/.test(usd))
    throw new BrokeError("usage", "--daily-usd is an amount of US dollars, 0 for no limit");
  const unpriced = values.unpriced?.[0];
  if (unpriced !== undefined && !/^(refuse|free|\d{1,6}(\.\d{1,4})?)$/.test(unpriced))
    throw new BrokeError("usage", "--unpriced is refuse, free, or US dollars for a million tokens");
  const given = {
    unpricedUsd: unpriced === "refuse" ? null : unpriced === "free" ? 0 : unpriced && Number(unpriced),
    slots: slots === undefined ? undefined : slots === "all" ? null : slots.split(",").filter((slot) => slot !== ""),
    rpm: whole("rpm", values.rpm?.[0]),
    tpm: whole("tpm", values.tpm?.[0]),
    concurrency: whole("concurrency", values.concurrency?.[0]),
    dailyUsd: usd === undefined ? undefined : Number(usd),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

const charged = (usd: number | null | undefined) =>
  usd === undefined || usd === null ? "not asked" : usd === 0 ? "free" : `charged $${usd}/M tokens`;

/** One line for people. */
export function describeAccess({ slots, rpm, tpm, concurrency, dailyUsd, unpricedUsd }: Access): string {
  const limit = (value: number, unit: string) => (value === 0 ? [] : [`${value} ${unit}`]);
  return [
    slots === null ? "all slots" : slots.length === 0 ? "no slot" : slots.join(", "),
    ...limit(rpm, "requests/min"),
    ...limit(tpm, "tokens/min"),
    ...limit(concurrency, "at once"),
    ...(dailyUsd === 0 ? [] : [`$${dailyUsd}/day`, `unpriced ${charged(unpricedUsd)}`]),
  ].join("; ");
}
