// How much to think, in the word a backend takes: the client's own word or the next lower one the backend knows, or a budget of tokens by its
// size.

import { efforts } from "#src/core/quirks.ts";
import type { Reasoning } from "./canonical.ts";
import type { LossList } from "./losses.ts";
import type { Quirks } from "./quirks.ts";

const LOW_TOKENS = 4096;
const MEDIUM_TOKENS = 16_384;
/** Above `none`, which is no effort but thinking switched off. */
const words = efforts.slice(1);

const bySize = (tokens: number) => (tokens <= LOW_TOKENS ? "low" : tokens <= MEDIUM_TOKENS ? "medium" : "high");

/** The word for thinking switched off, or for hardly any; a backend that has neither is told nothing, and that is a loss as well. */
function offWord(taken: Quirks["efforts"], losses: LossList): string | undefined {
  if (taken.includes("none")) return "none";
  losses.add("reasoning", "thinking switched off", "the backend always thinks, or as it sees fit");
  return taken.includes("minimal") ? "minimal" : undefined;
}

/** The word; undefined when nobody asked for one, or it has no counterpart, which is a loss. */
export function effortWord(
  { effort, budgetTokens, mode }: Reasoning,
  { efforts: taken }: Quirks,
  losses: LossList,
): string | undefined {
  if (mode === "off") return offWord(taken, losses);
  const wanted = effort ?? (budgetTokens === undefined ? undefined : bySize(budgetTokens));
  if (wanted === undefined) return undefined;
  const at = words.findIndex((word) => word === wanted);
  if (at < 0) losses.add("reasoning", "effort", "the word has no counterpart");
  if (at < 0) return undefined;
  const takes = (word: (typeof words)[number]) => taken.includes(word);
  const word = words.slice(0, at + 1).findLast(takes) ?? words.find(takes);
  if (word === undefined) losses.add("reasoning", "effort", "the backend takes no word for one");
  return word;
}
