// Canonical answer → Anthropic message. A call whose arguments are not an object is never shown as one without arguments.

import { BrokeError } from "#src/core/errors.ts";
import { type Json, parseJson } from "#src/core/json.ts";
import type { Block, CanonicalResponse, ToolCallBlock } from "../canonical.ts";
import type { AnswerMeta } from "../dialect.ts";
import { isObject } from "../schema.ts";
import { estimateTokens } from "../estimate.ts";
import { stopMembers, usageMembers } from "./answer.ts";

function encodeCall(block: ToolCallBlock, cutShort: boolean): Json[] {
  const input = block.argsRaw.trim() === "" ? {} : parseJson(block.argsRaw);
  if (isObject(input)) {
    const type = block.callKind === "server" ? "server_tool_use" : "tool_use";
    return [{ type, id: block.id, name: block.name, input }];
  }
  // Half a call behind "max_tokens" was cut by the limit; anywhere else it is the provider's fault.
  if (cutShort) return [];
  throw new BrokeError("upstream", "the provider's tool call has arguments that are not a JSON object");
}

function encodeBlock(block: Block, cutShort: boolean): Json[] {
  switch (block.kind) {
    case "text":
      return block.text === "" ? [] : [{ type: "text", text: block.text }];
    case "thinking":
      if (block.redacted !== undefined) return [{ type: "redacted_thinking", data: block.redacted }];
      return [{ type: "thinking", thinking: block.text, signature: block.signature ?? "" }];
    case "tool_call":
      return encodeCall(block, cutShort);
    case "opaque":
      return block.dialect === "anthropic" ? [block.raw] : [];
    default:
      return [];
  }
}

/** Throws `upstream` when a tool call cannot be told. The tools of a refused answer are left out: they must not run. */
export function encodeResponse(response: CanonicalResponse, meta: AnswerMeta): Json {
  const { stop } = response;
  const blocks =
    stop.kind === "refusal" ? response.blocks.filter((block) => block.kind !== "tool_call") : response.blocks;
  const content = blocks.flatMap((block) => encodeBlock(block, stop.kind === "max_tokens"));
  const output = response.usage === null ? estimateTokens(JSON.stringify(content).length) : 0;
  return {
    id: meta.id,
    type: "message",
    role: "assistant",
    model: meta.model,
    content,
    ...stopMembers(stop),
    usage: usageMembers(response.usage, { input: meta.estimate ?? 0, output }),
  };
}
