// How hard to think, in Anthropic's members, and what thinking forbids beside it ("Extended thinking" in its documentation): a forced tool,
// another temperature, a budget below 1024 or as large as the whole answer. Models since Opus 4.7 take an effort alone, and some always think.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest } from "../canonical.ts";
import { effortWord } from "../effort.ts";
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
/** Of the limit at least this part is left to the answer. */
const ANSWER_SHARE = 1 / 4;

/** How a model is told not to think; one that always does is told to do so as little as it can. */
function switchedOff(quirks: Quirks, losses: LossList): Body {
  if (quirks.thinkingOff !== "never") return { thinking: { type: quirks.thinkingOff } };
  losses.add("reasoning", "thinking switched off", "the model always thinks; it thinks as little as it can");
  return { output_config: { effort: "low" } };
}

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
  if (reasoning.mode === "off") return { members: switchedOff(quirks, losses), thinks: false };
  const { effort, budgetTokens, mode, show } = reasoning;
  const adaptive = quirks.reasoningEffort && (budgetTokens === undefined || !quirks.thinkingBudget);
  const word = adaptive || effort !== undefined ? effortWord(reasoning, quirks, losses) : undefined;
  // Models without a budget tell no thoughts unasked; who asks to read them asks for them.
  const asks = mode !== undefined || (show === true && !quirks.thinkingBudget);
  if (word === undefined && budgetTokens === undefined && !asks) return none;
  const output = word !== undefined && quirks.reasoningEffort ? { output_config: { effort: word } } : {};
  if (blocked) {
    losses.add("reasoning", "reasoning", "Anthropic refuses to think where the thinking before a call is missing");
    return { members: output, thinks: false };
  }
  if (adaptive) {
    const display = show === true ? { display: "summarized" } : {};
    return { members: { thinking: { type: "adaptive", ...display }, ...output }, thinks: true };
  }
  const wanted = budgetTokens ?? entryOf(BUDGETS, effort ?? "") ?? BUDGETS["medium"]!;
  const budget = Math.min(Math.max(wanted, MIN_BUDGET), Math.floor(maxTokens * (1 - ANSWER_SHARE)));
  if (budget < MIN_BUDGET) {
    losses.add("reasoning", "reasoning", "the answer's limit leaves no room for it");
    return none;
  }
  return { members: { thinking: { type: "enabled", budget_tokens: budget }, ...output }, thinks: true };
}
