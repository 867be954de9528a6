// What whole and streamed answers to a Gemini client have in common: candidates and parts, why it stopped and what it cost, in Google's members.

import type { Json } from "#src/core/json.ts";
import type { Stop, Usage } from "../canonical.ts";
import type { AnswerMeta } from "../dialect.ts";

export type Part = { [key: string]: Json };

/** Calls end with STOP here; what has no counterpart must not look like a normal end. */
const reasons: Record<Exclude<Stop["kind"], "unknown">, string> = {
  end: "STOP",
  tool_use: "STOP",
  stop_sequence: "STOP",
  max_tokens: "MAX_TOKENS",
  context_window: "MAX_TOKENS",
  refusal: "SAFETY",
  pause: "OTHER",
};

/** Google's own word for a call whose arguments are no object; Gemini CLI asks again. */
export const MALFORMED = "MALFORMED_FUNCTION_CALL";

/** `finishReason`. A reason nobody knows is passed on where it is a word of Google's kind. */
export function finishReason(stop: Stop): string {
  if (stop.kind !== "unknown") return reasons[stop.kind];
  return /^[A-Z][A-Z_]{2,63}$/.test(stop.raw) ? stop.raw : "OTHER";
}

/** `usageMetadata`, with estimates where the provider did not say. Google counts cached tokens among the prompt's, thoughts beside the answer. */
export function usageMembers(usage: Usage | null, estimate: { input: number; output: number }): Json {
  const cached = usage?.cacheReadTokens ?? 0;
  const prompt = (usage?.inputTokens ?? estimate.input) + cached + (usage?.cacheWriteTokens ?? 0);
  const output = usage?.outputTokens ?? estimate.output;
  const thoughts = Math.min(usage?.reasoningTokens ?? 0, output);
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: output - thoughts,
    totalTokenCount: prompt + output,
    ...(thoughts === 0 ? {} : { thoughtsTokenCount: thoughts }),
    ...(cached === 0 ? {} : { cachedContentTokenCount: cached }),
  };
}

/** Google shows thoughts to those who ask for them. */
export function showsThoughts({ request }: AnswerMeta): boolean {
  return request === undefined || request.reasoning?.show === true;
}

/** What proves a thought, on the part that follows it; on an empty one when nothing does. */
export function signed(part: Part, signature: string | undefined): Part {
  return signature === undefined ? part : { ...part, thoughtSignature: signature };
}

/** A call, its arguments as the object they are. */
export function callPart(id: string, name: string, args: { [key: string]: Json }): Part {
  return { functionCall: { id, name, args } };
}

/** One piece of an answer. */
export function chunk(meta: AnswerMeta, parts: Part[]): Part {
  const content = { role: "model", parts };
  return { candidates: [{ content, index: 0 }], modelVersion: meta.model, responseId: meta.id };
}

/** The end of an answer. One that was refused before a word was said has no content, and says so of the prompt. */
export function lastChunk(meta: AnswerMeta, parts: Part[], reason: string, said: boolean, usageMetadata: Json): Part {
  const blocked = reason === "SAFETY" && !said;
  const content = blocked ? {} : { content: { role: "model", parts: parts.length === 0 ? [{ text: "" }] : parts } };
  return {
    candidates: [{ ...content, finishReason: reason, index: 0 }],
    ...(blocked ? { promptFeedback: { blockReason: "SAFETY" } } : {}),
    usageMetadata,
    modelVersion: meta.model,
    responseId: meta.id,
  };
}
