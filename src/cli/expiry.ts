// How long something is good, as an option. Pure.

import { BrokeError } from "#src/core/errors.ts";

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const MOST_MS = 3650 * 86_400_000;

/** When it ends; null: it does not. Throws `usage`. */
export function expiryOf(given: string | undefined, nowMs: number): number | null {
  if (given === undefined) return null;
  const [, count = "", unit = ""] = /^(\d{1,5})([mhd])$/.exec(given) ?? [];
  const ms = Number(count) * (UNITS[unit] ?? 0);
  if (ms === 0 || ms > MOST_MS) throw new BrokeError("usage", "--expires is 30d, 12h or 45m, ten years at most");
  return nowMs + ms;
}
