// How hard to think, in Anthropic's members, and what thinking forbids beside it ("Extended thinking" in its documentation): a forced tool,
// another temperature, a budget below 1024 or as large as the whole answer.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest } from "../canonical.ts";
import type { LossList } from "../losses.ts";
import type { Quirks } from "../quirks.ts";
import { entryOf } from "../table.ts";

type Body = { [key: string]: Json };

const MIN_BUDGET = 1024;
/** What an effort is worth to a model that takes a budget. */
const BUDGETS: Record<string, number> = {
  minimal: 1024,
  low: 4096,
  medium: 16384,
  high: 32768,
  xhigh: 49152,
  max: 65536,
};
const EFFORTS: Record<string, string> = {
  minimal: "low",
  low: "low",
  medium: "medium",
  high: "high",
  xhigh: "xhigh",
  max: "max",
};

/** The members; `thinks` when the model will think. `blocked`: a call of this turn is being answered without its thinking. */
export function encodeReasoning(
  request: CanonicalRequest,
  maxTokens: number,
  blocked: boolean,
  quirks: Quirks,
  losses: LossList,
): { members: Body; thinks: boolean } {
  const { reasoning } = request;
  const none = { members: {}, thinks: false };
  if (reasoning === undefined) return none;
  if (reasoning.mode === "off") return { members: { thinking: { type: "disabled" } }, thinks: false };
  const { effort, budgetTokens, mode } = reasoning;
  const word = effort === undefined ? undefined : entryOf(EFFORTS, effort);
  if (effort !== undefined && word === undefined) losses.add("reasoning", "effort", "the word has no counterpart");
  if (word === undefined && budgetTokens === undefined && mode === undefined) return none;
  const output = word !== undefined && quirks.reasoningEffort ? { output_config: { effort: word } } : {};
  if (blocked) {
    losses.add("reasoning", "reasoning", "Anthropic refuses to think where the thinking before a call is missing");
    return { members: output, thinks: false };
  }
  if (quirks.reasoningEffort && budgetTokens === undefined) {
    return { members: { thinking: { type: "adaptive" }, ...output }, thinks: true };
  }
  const wanted = budgetTokens ?? entryOf(BUDGETS, effort ?? "") ?? BUDGETS["medium"]!;
  const budget = Math.min(Math.max(wanted, MIN_BUDGET), maxTokens - 1);
  if (budget < MIN_BUDGET) {
    losses.add("reasoning", "reasoning", "the answer's limit leaves no room for it");
    return none;
  }
  return { members: { thinking: { type: "enabled", budget_tokens: budget }, ...output }, thinks: true };
}
