// The small facts of a Responses answer, the same for whole, streamed and passing ones: why it ended, what it cost, whether it failed.

import type { Json } from "#src/core/json.ts";
import type { Stop, Usage } from "../canonical.ts";
import { wireError } from "../chat/errors.ts";
import type { WireError } from "../errors.ts";
import type { Cost } from "../flow.ts";
import { isObject } from "../schema.ts";
import type { WireResponse, WireUsage } from "./schema.ts";

/** OpenAI counts cached tokens among the input; here they stand beside it. */
export function usageOf(usage: WireUsage): Usage {
  const details = usage.input_tokens_details;
  const read = details?.cached_tokens ?? 0;
  const written = details?.cache_write_tokens ?? 0;
  return {
    inputTokens: Math.max(0, (usage.input_tokens ?? 0) - read - written),
    cacheReadTokens: read,
    cacheWriteTokens: written,
    outputTokens: usage.output_tokens ?? 0,
    reasoningTokens: usage.output_tokens_details?.reasoning_tokens ?? 0,
  };
}

/** The same for an answer that passes. */
export function costOf(usage: WireUsage): Cost {
  const { inputTokens: input, outputTokens: output, cacheReadTokens, cacheWriteTokens } = usageOf(usage);
  return { input, output, cacheRead: cacheReadTokens, cacheWrite: cacheWriteTokens };
}

/** Why an answer that is not failed ended; a refusal stays one whatever was said. */
export function stopOf(response: WireResponse, complete: boolean, seen: { calls: boolean; refusal: boolean }): Stop {
  if (complete) return { kind: seen.refusal ? "refusal" : seen.calls ? "tool_use" : "end" };
  const reason = response.incomplete_details?.reason ?? "";
  if (reason === "max_output_tokens") return { kind: "max_tokens" };
  return reason === "content_filter" ? { kind: "refusal" } : { kind: "unknown", raw: reason || "incomplete" };
}

const FAILED = new Set(["failed", "cancelled"]);
const OVERLOADED = new Set(["server_is_overloaded", "slow_down"]);

/** What a failed response, an `error` event or an error body says; nothing to be read there is a failure all the same. */
export function failureOf(body: Json | undefined): WireError {
  const error = wireError(body);
  const inner = isObject(body) && isObject(body["error"]) ? body["error"] : body;
  const code = isObject(inner) && typeof inner["code"] === "string" ? inner["code"] : "";
  if (OVERLOADED.has(code)) return { ...error, status: 503, type: "overloaded" };
  return code.startsWith("invalid_") && error.status === 502
    ? { ...error, status: 400, type: "invalid_request" }
    : error;
}

/** The error a provider put into an answer with status 200. */
export function errorInAnswer(body: Json | undefined): WireError | undefined {
  if (!isObject(body)) return undefined;
  const failed = typeof body["status"] === "string" && FAILED.has(body["status"]);
  return failed || body["error"] ? failureOf(body) : undefined;
}
