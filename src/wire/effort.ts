// How much to think, in the word a backend of OpenAI's kind takes: the client's own word by that backend's table, or a budget of tokens by its size.

import type { Reasoning } from "./canonical.ts";
import type { LossList } from "./losses.ts";
import { entryOf } from "./table.ts";

const LOW_TOKENS = 4096;
const MEDIUM_TOKENS = 16_384;

/** The word; undefined when nobody asked for one, or it has no counterpart, which is a loss. */
export function effortWord(
  { effort, budgetTokens }: Reasoning,
  words: Record<string, string>,
  losses: LossList,
): string | undefined {
  if (effort !== undefined) {
    const word = entryOf(words, effort);
    if (word === undefined) losses.add("reasoning", "effort", "the word has no counterpart");
    return word;
  }
  if (budgetTokens === undefined) return undefined;
  return budgetTokens <= LOW_TOKENS ? "low" : budgetTokens <= MEDIUM_TOKENS ? "medium" : "high";
}
