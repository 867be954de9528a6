// What whole and streamed Anthropic answers have in common: why it stopped and what it cost, in Anthropic's members.

import type { Json } from "#src/core/json.ts";
import type { Stop, Usage } from "../canonical.ts";

const reasons = {
  end: "end_turn",
  max_tokens: "max_tokens",
  tool_use: "tool_use",
  stop_sequence: "stop_sequence",
  refusal: "refusal",
  pause: "pause_turn",
  context_window: "model_context_window_exceeded",
} as const satisfies Record<Exclude<Stop["kind"], "unknown">, string>;

/** `stop_reason` and `stop_sequence`. A reason nobody knows is passed on as it is: it must not look like a normal end. */
export function stopMembers(stop: Stop): { stop_reason: string; stop_sequence: string | null } {
  const reason = stop.kind === "unknown" ? stop.raw.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) : reasons[stop.kind];
  return { stop_reason: reason, stop_sequence: stop.kind === "stop_sequence" ? stop.sequence : null };
}

/** `usage`, with estimates where the provider did not say. */
export function usageMembers(
  usage: Usage | null,
  estimate: { input: number; output: number },
): { [key: string]: Json } {
  return {
    input_tokens: usage?.inputTokens ?? estimate.input,
    cache_creation_input_tokens: usage?.cacheWriteTokens ?? 0,
    cache_read_input_tokens: usage?.cacheReadTokens ?? 0,
    output_tokens: usage?.outputTokens ?? estimate.output,
  };
}
