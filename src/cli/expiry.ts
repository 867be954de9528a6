// Spans of time, as options. Pure.

import { BrokeError } from "#src/core/errors.ts";

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const MOST_MS = 3650 * 86_400_000;

/** In ms. Throws `usage`. */
export function spanOf(name: string, given: string): number {
  const [, count = "", unit = ""] = /^(\d{1,5})([mhd])$/.exec(given) ?? [];
  const ms = Number(count) * (UNITS[unit] ?? 0);
  if (ms === 0 || ms > MOST_MS) throw new BrokeError("usage", `--${name} is 30d, 12h or 45m, ten years at most`);
  return ms;
}

/** When something that is good for so long ends; null: it does not. Throws `usage`. */
export const expiryOf = (given: string | undefined, nowMs: number): number | null =>
  given === undefined ? null : nowMs + spanOf("expires", given);
