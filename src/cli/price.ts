// What a backend charges, as `broke backend add` takes it. Pure.

import { BrokeError } from "#src/core/errors.ts";
import type { Price } from "#src/routing/generation.ts";

function dollars(said: string | undefined): number | null {
  if (said === undefined) return null;
  if (/^\d{1,6}(\.\d{1,6})?$/.test(said)) return Number(said);
  throw new BrokeError(
    "usage",
    "a price is US dollars for a million tokens",
    "as in --price-input 3 --price-output 15",
  );
}

/** The price three options say; null where none does. Throws `usage`. */
export function parsePrice(values: Record<string, string[]>): Price | null {
  const [input = null, output = null, cached = null] = ["input", "output", "cached"].map((what) =>
    dollars(values[`price-${what}`]?.[0]),
  );
  if (input === null && output === null && cached === null) return null;
  if (input !== null && output !== null) return { input, output, cached };
  throw new BrokeError("usage", "a price has both --price-input and --price-output");
}
