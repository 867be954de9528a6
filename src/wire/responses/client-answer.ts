// What whole and streamed Responses answers have in common: the response object, its items, why it stopped and what it cost, in OpenAI's
// members.

import type { Json } from "#src/core/json.ts";
import type { BlockHead, Stop, Usage } from "../canonical.ts";
import type { WireError } from "../errors.ts";

export type Item = { [key: string]: Json };
export type ItemStatus = "in_progress" | "completed" | "incomplete";
export type Ending = { status: "completed" } | { status: "incomplete"; reason: string };

/** Why an answer is incomplete; a reason absent here is an end. `pause_turn` has no counterpart and must not look like an end. */
const reasons: { [kind in Stop["kind"]]?: string } = {
  max_tokens: "max_output_tokens",
  context_window: "max_output_tokens",
  refusal: "content_filter",
  pause: "pause_turn",
};

/** How the answer ended. A reason nobody knows is passed on as it is. */
export function endingOf(stop: Stop): Ending {
  const reason = stop.kind === "unknown" ? stop.raw.replace(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) : reasons[stop.kind];
  return reason === undefined ? { status: "completed" } : { status: "incomplete", reason };
}

/** `usage`, with estimates where the provider did not say. OpenAI counts what the cache served or took in among the input. */
export function usageMembers(usage: Usage | null, estimate: { input: number; output: number }): Json {
  const read = usage?.cacheReadTokens ?? 0;
  const written = usage?.cacheWriteTokens ?? 0;
  const input = (usage?.inputTokens ?? estimate.input) + read + written;
  const output = usage?.outputTokens ?? estimate.output;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: read, cache_write_tokens: written },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage?.reasoningTokens ?? 0 },
    total_tokens: input + output,
  };
}

const prefixes = { text: "msg", thinking: "rs", function: "fc", custom: "ctc", server: "fc" } as const;

/** The id of an answer's item: the same answer always has the same. */
export function itemId(head: BlockHead, answerId: string, index: number): string {
  return `${prefixes[head.kind === "tool_call" ? head.callKind : head.kind]}_${answerId}_${index}`;
}

/** The text part of a message. */
export function textPart(text: string): Item {
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

/** One summary part of a reasoning item. */
export function summaryPart(text: string): Item {
  return { type: "summary_text", text };
}

/** An output item; `said` is its text, thinking or raw arguments, "" where nothing was said yet. */
export function itemOf(head: BlockHead, id: string, said: string, status: ItemStatus, signature?: string): Item {
  switch (head.kind) {
    case "text":
      return { id, type: "message", role: "assistant", status, content: said === "" ? [] : [textPart(said)] };
    case "thinking": {
      const summary = said === "" ? [] : [summaryPart(said)];
      return { id, type: "reasoning", summary, encrypted_content: signature ?? head.redacted ?? null };
    }
    case "tool_call": {
      const { id: callId, name, namespace, callKind } = head;
      const named = { call_id: callId, name, ...(namespace === undefined ? {} : { namespace }) };
      return callKind === "custom"
        ? { id, type: "custom_tool_call", status, ...named, input: said }
        : { id, type: "function_call", status, ...named, arguments: said };
    }
  }
}

/** The code of a broken answer, in the words Codex decides by: it asks again after a rate limit and after what has no code of its own, never after the others. */
export function errorMembers({ type, message }: WireError): Json {
  const codes: { [kind in WireError["type"]]?: string } = {
    rate_limit: "rate_limit_exceeded",
    context_window: "context_length_exceeded",
    billing: "insufficient_quota",
    invalid_request: "invalid_prompt",
    too_large: "invalid_prompt",
  };
  return { code: codes[type] ?? "server_error", message };
}

type State = { status: ItemStatus | "failed"; output?: Item[]; usage?: Json; error?: Json; reason?: string };

/** The response object with every member OpenAI's SDK requires. `created_at` is in seconds; `output_text` is the SDK's own addition. */
export function responseObject(meta: { id: string; model: string; createdMs: number }, state: State): Item {
  return {
    id: meta.id,
    object: "response",
    created_at: Math.floor(meta.createdMs / 1000),
    status: state.status,
    error: state.error ?? null,
    incomplete_details: state.reason === undefined ? null : { reason: state.reason },
    instructions: null,
    metadata: {},
    model: meta.model,
    output: state.output ?? [],
    parallel_tool_calls: true,
    temperature: null,
    tool_choice: "auto",
    tools: [],
    top_p: null,
    access_programs: null,
    usage: state.usage ?? null,
  };
}
