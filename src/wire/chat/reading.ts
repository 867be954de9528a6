// The small facts of a Chat answer, the same for whole and streamed ones: what text it holds, why it stopped, what it cost.

import type { Json } from "#src/core/json.ts";
import type { Stop, Usage } from "../canonical.ts";
import { isObject } from "../schema.ts";
import { seal } from "../seal.ts";
import { entryOf } from "../table.ts";
import type { WireCall, WireSaid, WireUsage } from "./schema.ts";

/** OpenAI's `finish_reason`s, and the words other servers use for the same. A reason that means failure is not here. */
const reasons: Record<string, Stop["kind"]> = {
  stop: "end",
  end_turn: "end",
  eos: "end",
  length: "max_tokens",
  max_tokens: "max_tokens",
  model_length: "context_window",
  tool_calls: "tool_use",
  tool_use: "tool_use",
  function_call: "tool_use",
  content_filter: "refusal",
  refusal: "refusal",
  sensitive: "refusal",
};
const failures = new Set(["error", "network_error", "insufficient_system_resource"]);

export const GAVE_UP = "the provider gave up in the middle of its answer";

/** Whether the reason says that the provider failed. */
export function isFailure(reason: string): boolean {
  return failures.has(reason);
}

/** Why the answer ended. `stop` with tool calls is a call: several servers never say `tool_calls`; a refusal stays one whatever was said. */
export function stopOf(reason: string, seen: { calls: boolean; refusal: boolean }): Stop {
  const kind = entryOf(reasons, reason);
  if (seen.refusal && (kind === "end" || kind === "tool_use")) return { kind: "refusal" };
  if (kind === undefined || kind === "unknown") return { kind: "unknown", raw: reason };
  if (kind === "stop_sequence") return { kind, sequence: null };
  return kind === "end" && seen.calls ? { kind: "tool_use" } : { kind };
}

/** Chat counts cached tokens among the prompt's; here they stand beside them. */
export function usageOf(usage: WireUsage): Usage {
  const prompt = usage.prompt_tokens ?? 0;
  const details = usage.prompt_tokens_details;
  const read = details?.cached_tokens ?? usage.prompt_cache_hit_tokens ?? usage.cached_tokens ?? 0;
  const written = details?.cache_write_tokens ?? 0;
  return {
    inputTokens: Math.max(0, prompt - read - written),
    cacheReadTokens: read,
    cacheWriteTokens: written,
    outputTokens: usage.completion_tokens ?? 0,
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
  };
}

function partText(part: Json): { text: string; thinking: string } {
  if (!isObject(part)) return { text: "", thinking: "" };
  if (typeof part["text"] === "string") return { text: part["text"], thinking: "" };
  // Mistral's reasoning models think in a list inside the content.
  const inner = part["thinking"];
  if (typeof inner === "string") return { text: "", thinking: inner };
  return { text: "", thinking: Array.isArray(inner) ? inner.map((each) => partText(each).text).join("") : "" };
}

/** The reasoning and the text of a message or delta; a refusal is text too. */
export function wordsOf(said: WireSaid): { thinking: string; text: string } {
  const thinking = said.reasoning_content || said.reasoning || "";
  const refusal = said.refusal ?? "";
  if (!Array.isArray(said.content)) return { thinking, text: (said.content ?? "") + refusal };
  const parts = said.content.map(partText);
  return {
    thinking: thinking + parts.map((part) => part.thinking).join(""),
    text: parts.map((part) => part.text).join("") + refusal,
  };
}

/** A call's thought signature for a client to keep. */
export function sealCall(signature: string, scope: string): string {
  return seal({ origin: "openai-chat", scope, kind: "signature", data: signature });
}

/** Arguments as text; `null` is how some servers write none. */
export function argsOf(args: Json | undefined): string {
  if (args === undefined || args === null) return "";
  return typeof args === "string" ? args : JSON.stringify(args);
}

/** What a call says, or a fragment of one; a tool of free text says it elsewhere. */
export function partsOf({ function: called, custom }: WireCall): { name: string; args: string } {
  return { name: called?.name ?? custom?.name ?? "", args: argsOf(called?.arguments ?? custom?.input) };
}
