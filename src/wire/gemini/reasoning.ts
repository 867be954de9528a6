// How much to think → `thinkingConfig`. Gemini 3 and later take a level, 2.5 a budget; which one, the backend's quirks say. What nobody asked for
// is not said: Google's default thinks as it sees fit.

import type { Json } from "#src/core/json.ts";
import type { Reasoning } from "../canonical.ts";
import type { LossList } from "../losses.ts";
import type { Quirks } from "../quirks.ts";

type Body = { [key: string]: Json };

/** The levels every Gemini 3 takes; `MINIMAL` only some do. */
const LEVELS: Record<string, string> = {
  minimal: "LOW",
  low: "LOW",
  medium: "MEDIUM",
  high: "HIGH",
  xhigh: "HIGH",
  max: "HIGH",
};
/** The budgets Google's own Chat endpoint gives these words. */
const BUDGETS: Record<string, number> = {
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
};
/** What every Gemini 2.5 takes: Flash-Lite begins at 512, both Flashes end at 24576. */
const MIN_BUDGET = 512;
const MAX_BUDGET = 24_576;

function level({ effort, budgetTokens: budget, mode }: Reasoning): string | undefined {
  if (mode === "off") return "LOW";
  if (effort !== undefined) return LEVELS[effort];
  return budget === undefined ? undefined : budget <= 4096 ? "LOW" : budget <= 16_384 ? "MEDIUM" : "HIGH";
}

function budget({ effort, budgetTokens, mode }: Reasoning): number | undefined {
  if (mode === "off") return MIN_BUDGET;
  const wanted = budgetTokens ?? (effort === undefined ? undefined : BUDGETS[effort]);
  return wanted === undefined ? undefined : Math.min(Math.max(wanted, MIN_BUDGET), MAX_BUDGET);
}

/** `thinkingConfig`, or nothing. */
export function encodeReasoning(reasoning: Reasoning | undefined, quirks: Quirks, losses: LossList): Body {
  if (reasoning === undefined) return {};
  const { effort, budgetTokens, mode, show } = reasoning;
  // A model that cannot be asked to think does not.
  if (mode === "off" && quirks.unsupported.includes("thinkingConfig")) return {};
  if (mode === "off")
    losses.add("reasoning", "thinking switched off", "not every Gemini can; it thinks as little as it can");
  if (mode !== "off" && effort !== undefined && LEVELS[effort] === undefined) {
    losses.add("reasoning", "effort", "the word has no counterpart");
  }
  const told = quirks.reasoningEffort ? { thinkingLevel: level(reasoning) } : { thinkingBudget: budget(reasoning) };
  const shows = show ?? (mode !== "off" && (mode === "adaptive" || budgetTokens !== undefined));
  const config: Body = { ...(shows ? { includeThoughts: true } : {}) };
  for (const [name, value] of Object.entries(told)) if (value !== undefined) config[name] = value;
  return Object.keys(config).length === 0 ? {} : { thinkingConfig: config };
}
