// The small facts of a Gemini answer, the same for whole, streamed and passing ones: why it stopped, what it cost.

import type { Stop, Usage } from "../canonical.ts";
import type { Cost } from "../flow.ts";
import type { WireAnswer, WireCandidate, WireUsage } from "./schema.ts";

/** Google's `FinishReason`s; one that means failure is not here. */
const reasons: Record<string, "end" | "max_tokens" | "refusal"> = {
  STOP: "end",
  MAX_TOKENS: "max_tokens",
  SAFETY: "refusal",
  RECITATION: "refusal",
  BLOCKLIST: "refusal",
  PROHIBITED_CONTENT: "refusal",
  SPII: "refusal",
  MODEL_ARMOR: "refusal",
  IMAGE_SAFETY: "refusal",
  IMAGE_PROHIBITED_CONTENT: "refusal",
  IMAGE_RECITATION: "refusal",
};
const failures: Record<string, string> = {
  MALFORMED_FUNCTION_CALL: "the model called a tool with something that is no call",
  UNEXPECTED_TOOL_CALL: "the model called a tool that nobody gave it",
  MALFORMED_RESPONSE: "the model's answer is malformed",
};

/** What went wrong, where the reason says that the answer is of no use to anybody. */
export function failureIn(reason: string): string | undefined {
  return Object.hasOwn(failures, reason) ? failures[reason] : undefined;
}

/** Why the answer ended. Google ends calls with `STOP` too; a refusal stays one whatever was called. */
export function stopOf(reason: string, calls: boolean): Stop {
  const kind = Object.hasOwn(reasons, reason) ? reasons[reason] : undefined;
  if (kind === undefined) return { kind: "unknown", raw: reason };
  return kind === "end" && calls ? { kind: "tool_use" } : { kind };
}

/** Why there is no answer at all, in the words of a finish reason. */
export function blockedBy({ promptFeedback }: WireAnswer): string | undefined {
  const reason = promptFeedback?.blockReason;
  return reason ? (Object.hasOwn(reasons, reason) ? reason : "SAFETY") : undefined;
}

/** Only one answer was asked for; a second one would be mixed into the first. */
export function candidateOf({ candidates }: WireAnswer): WireCandidate | undefined {
  return candidates?.find(({ index }) => (index ?? 0) === 0);
}

/** Every chunk counts anew: what it says replaces what was said before. */
export function addUsage(usage: WireUsage, before: WireUsage | undefined): WireUsage {
  const said = Object.entries(usage).filter(([, count]) => typeof count === "number");
  return { ...before, ...(Object.fromEntries(said) as WireUsage) };
}

/** Google counts cached tokens among the prompt's, thoughts beside the answer, and what its own tools read beside both. */
export function usageOf(wire: WireUsage): Usage {
  const cached = wire.cachedContentTokenCount ?? 0;
  const prompt = (wire.promptTokenCount ?? 0) + (wire.toolUsePromptTokenCount ?? 0);
  const thoughts = wire.thoughtsTokenCount ?? 0;
  return {
    inputTokens: Math.max(0, prompt - cached),
    cacheReadTokens: cached,
    cacheWriteTokens: 0,
    outputTokens: (wire.candidatesTokenCount ?? 0) + thoughts,
    reasoningTokens: thoughts,
  };
}

/** The same for an answer that passes: null where nothing was counted. */
export function costOf(wire: WireUsage): Cost {
  const usage = usageOf(wire);
  const asked = typeof wire.promptTokenCount === "number";
  const answered = typeof (wire.candidatesTokenCount ?? wire.thoughtsTokenCount) === "number";
  return {
    input: asked ? usage.inputTokens : null,
    output: answered ? usage.outputTokens : null,
    cacheRead: asked ? usage.cacheReadTokens : null,
    cacheWrite: asked ? usage.cacheWriteTokens : null,
  };
}
