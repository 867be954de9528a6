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

/** Google counts cached tokens among the prompt's and thoughts beside the answer. Later counts of a stream replace earlier ones. */
export function usageOf(usage: WireUsage, before?: WireUsage): { wire: WireUsage; usage: Usage } {
  const given = Object.entries(usage).filter(([, count]) => typeof count === "number");
  const wire: WireUsage = { ...before, ...(Object.fromEntries(given) as WireUsage) };
  const cached = wire.cachedContentTokenCount ?? 0;
  const prompt = (wire.promptTokenCount ?? 0) + (wire.toolUsePromptTokenCount ?? 0);
  const thoughts = wire.thoughtsTokenCount ?? 0;
  return {
    wire,
    usage: {
      inputTokens: Math.max(0, prompt - cached),
      cacheReadTokens: cached,
      cacheWriteTokens: 0,
      outputTokens: (wire.candidatesTokenCount ?? 0) + thoughts,
      reasoningTokens: thoughts,
    },
  };
}

/** The same for an answer that passes. */
export function costOf({ inputTokens: input, outputTokens: output, cacheReadTokens, cacheWriteTokens }: Usage): Cost {
  return { input, output, cacheRead: cacheReadTokens, cacheWrite: cacheWriteTokens };
}
