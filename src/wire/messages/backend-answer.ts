// Anthropic's answers → canonical ones. Calls of tools it runs itself, and their results, are not the client's and stay out.

import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { holds, loseOfAnswer } from "../answer-losses.ts";
import type { Block, CanonicalResponse, Stop, Usage } from "../canonical.ts";
import { unwrapLast } from "../custom.ts";
import type { WireError } from "../errors.ts";
import type { Loss } from "../losses.ts";
import type { AnswerNames } from "../names.ts";
import { isObject, read } from "../schema.ts";
import { seal } from "../seal.ts";
import { entryOf } from "../table.ts";
import * as schema from "./backend-schema.ts";
import { errorOf } from "./provider-errors.ts";

const reasons: Record<string, Exclude<Stop["kind"], "stop_sequence" | "unknown">> = {
  end_turn: "end",
  max_tokens: "max_tokens",
  tool_use: "tool_use",
  refusal: "refusal",
  pause_turn: "pause",
  model_context_window_exceeded: "context_window",
};

/** Why the answer ended. */
export function stopOf(reason: string, sequence: string | null | undefined): Stop {
  if (reason === "stop_sequence") return { kind: "stop_sequence", sequence: sequence ?? null };
  const kind = entryOf(reasons, reason);
  return kind === undefined ? { kind: "unknown", raw: reason } : { kind };
}

/** What it cost; later counts of a stream replace earlier ones. */
export function usageOf(usage: schema.WireUsage, before?: Usage): Usage {
  return {
    inputTokens: usage.input_tokens ?? before?.inputTokens ?? 0,
    cacheReadTokens: usage.cache_read_input_tokens ?? before?.cacheReadTokens ?? 0,
    cacheWriteTokens: usage.cache_creation_input_tokens ?? before?.cacheWriteTokens ?? 0,
    outputTokens: usage.output_tokens ?? before?.outputTokens ?? 0,
    reasoningTokens: usage.output_tokens_details?.thinking_tokens ?? before?.reasoningTokens ?? 0,
  };
}

/** What proves a thought, for a client to keep. */
export function sealThought(kind: "signature" | "redacted", data: string, scope: string): string {
  return seal({ origin: "anthropic", scope, kind, data });
}

/** Adds what a block loses, whole or as it begins in a stream. */
export function noteLost({ type, citations }: schema.WireBlock, path: string, losses: Loss[]): void {
  if (!schema.blockTypes.includes(type)) loseOfAnswer(losses, path, type);
  if (holds(citations)) loseOfAnswer(losses, `${path}.citations`, "citations");
}

type Reading = { names: AnswerNames; scope: string; stop: Stop };

function decodeBlock(block: schema.WireBlock, { names, scope, stop }: Reading): Block[] {
  switch (block.type) {
    case "text":
      return block.text ? [{ kind: "text", text: block.text }] : [];
    case "thinking": {
      const proof = block.signature ? { signature: sealThought("signature", block.signature, scope) } : {};
      return [{ kind: "thinking", text: block.thinking ?? "", ...proof, origin: "anthropic" }];
    }
    case "redacted_thinking": {
      if (!block.data) return [];
      const redacted = sealThought("redacted", block.data, scope);
      return [{ kind: "thinking", text: "", redacted, origin: "anthropic" }];
    }
    case "tool_use": {
      if (!block.name) throw new BrokeError("upstream", "the provider sent a tool call without a name");
      const tool = names.tool(block.name);
      const args = JSON.stringify(block.input ?? {});
      const argsRaw = tool.callKind === "custom" ? unwrapLast(args, stop) : args;
      return argsRaw === undefined
        ? []
        : [{ kind: "tool_call", id: names.identify(block.id || undefined), ...tool, argsRaw }];
    }
    default:
      return [];
  }
}

/** The error an answer with status 200 holds. */
export function errorInAnswer(body: Json): WireError | undefined {
  return isObject(body) && body["type"] === "error" ? errorOf(body) : undefined;
}

/** Throws `upstream` when this is no message, or an unfinished one. */
export function decodeResponse(body: Json, names: AnswerNames, scope: string): CanonicalResponse {
  const message = read(schema.message, body, "", "upstream");
  if (!message.stop_reason) throw new BrokeError("upstream", "the provider's answer is not complete");
  const stop = stopOf(message.stop_reason, message.stop_sequence);
  const losses: Loss[] = [];
  message.content.forEach((block, index) => noteLost(block, `content[${index}]`, losses));
  return {
    blocks: message.content.flatMap((block) => decodeBlock(block, { names, scope, stop })),
    stop,
    usage: message.usage ? usageOf(message.usage) : null,
    ...(losses.length === 0 ? {} : { losses }),
  };
}
