// What an answer took, as it is reported: tokens as the provider counts them, and money where the operator said what the backend charges. Pure.

import type { Price } from "#src/routing/generation.ts";
import type { Cost } from "#src/wire/flow.ts";

const MILLION = 1_000_000;

/** Null where the provider did not say; `costUsd` also where nobody said what the backend charges. */
export type Usage = {
  inputTokens: number | null;
  outputTokens: number | null;
  /** What the provider's cache served, and what it took in; not part of `inputTokens`. */
  cacheReadTokens: number | null;
  cacheWriteTokens: number | null;
  costUsd: number | null;
};

export const noUsage: Usage = {
  ...{ inputTokens: null, outputTokens: null, cacheReadTokens: null, cacheWriteTokens: null, costUsd: null },
};

/** What the cache takes in is charged as input. */
function costOf({ input, output, cacheRead, cacheWrite }: Cost, price: Price): number | null {
  if (input === null || output === null) return null;
  const cached = (cacheRead ?? 0) * (price.cached ?? price.input);
  return ((input + (cacheWrite ?? 0)) * price.input + output * price.output + cached) / MILLION;
}

/** Beyond any answer there is. */
const MOST_TOKENS = 1e9;

/** What a provider says is a number at most: a fraction counts as one more, what is no number of tokens is not known. */
const countOf = (said: number | null) => (said !== null && said >= 0 && said <= MOST_TOKENS ? Math.ceil(said) : null);

/** The usage of one answer. */
export function usageOf(said: Cost, price: Price | null): Usage {
  const input = countOf(said.input);
  const output = countOf(said.output);
  const cacheRead = countOf(said.cacheRead);
  const cacheWrite = countOf(said.cacheWrite);
  return {
    inputTokens: input,
    outputTokens: output,
    cacheReadTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
    costUsd: price === null ? null : costOf({ input, output, cacheRead, cacheWrite }, price),
  };
}
