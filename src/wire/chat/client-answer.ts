// What whole and streamed Chat answers have in common: why it stopped and what it cost, in OpenAI's members.

import type { Json } from "#src/core/json.ts";
import type { Stop, Usage } from "../canonical.ts";
import type { AnswerMeta } from "../dialect.ts";

const reasons = {
  end: "stop",
  max_tokens: "length",
  tool_use: "tool_calls",
  stop_sequence: "stop",
  refusal: "content_filter",
  context_window: "length",
  // No counterpart; it must not look like a normal end.
  pause: "pause_turn",
} as const satisfies Record<Exclude<Stop["kind"], "unknown">, string>;

/** Whether the client reads `function_call`, the form older than `tool_calls`. */
export const isLegacy = ({ request }: AnswerMeta): boolean => request?.legacyCalls === true;

/** `finish_reason`. A reason nobody knows is passed on as it is. */
export function finishReason(stop: Stop, legacy: boolean): string {
  if (legacy && stop.kind === "tool_use") return "function_call";
  return stop.kind === "unknown" ? stop.raw.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) : reasons[stop.kind];
}

/** `usage`, with estimates where the provider did not say. OpenAI counts cached tokens among the prompt's. */
export function usageMembers(usage: Usage | null, estimate: { input: number; output: number }): Json {
  const read = usage?.cacheReadTokens ?? 0;
  const written = usage?.cacheWriteTokens ?? 0;
  const prompt = (usage?.inputTokens ?? estimate.input) + read + written;
  const completion = usage?.outputTokens ?? estimate.output;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: read, cache_write_tokens: written },
    completion_tokens_details: { reasoning_tokens: usage?.reasoningTokens ?? 0 },
  };
}

/** The members that every answer and chunk begins with. `created` is in seconds. */
export function answerHead(object: string, meta: { id: string; model: string; createdMs: number }) {
  return { id: meta.id, object, created: Math.floor(meta.createdMs / 1000), model: meta.model };
}
