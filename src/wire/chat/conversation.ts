// Canonical messages → Chat messages. Chat wants every result right behind the assistant message that called, before anything else; Anthropic
// clients may spread results over several turns and put text and images among them.

import type { Json } from "#src/core/json.ts";
import type { Block, CanonicalRequest, ToolCallBlock, ToolResultBlock } from "../canonical.ts";
import type { LossList } from "../losses.ts";
import { fitCallId, type NameMap } from "../names.ts";
import type { Quirks } from "../quirks.ts";
import { blockParts, contentOf, contentParts, type ImagePart, type Part, systemText } from "./content.ts";

type ChatMessage = { [key: string]: Json };
type Placed = { block: ToolResultBlock; message: number; path: string; used: boolean };
type Context = { quirks: Quirks; names: NameMap; losses: LossList };

/** Every result by the id it answers, in order; ids may come back in later turns. */
function collectResults(request: CanonicalRequest): Map<string, Placed[]> {
  const results = new Map<string, Placed[]>();
  request.messages.forEach(({ blocks }, message) => {
    blocks.forEach((block, index) => {
      if (block.kind !== "tool_result") return;
      const placed = { block, message, path: `messages[${message}].content[${index}]`, used: false };
      const same = results.get(block.callId);
      if (same === undefined) results.set(block.callId, [placed]);
      else same.push(placed);
    });
  });
  return results;
}

function resultText(placed: Placed, images: ImagePart[], losses: LossList): string {
  const lines = contentParts(placed.block.content, `${placed.path}.content`, losses).map((part) => {
    if (part.type === "text") return part.text;
    images.push(part);
    return `[image ${images.length}: shown in the message after the results]`;
  });
  const text = lines.join("\n");
  return placed.block.isError ? `[tool error] ${text}` : text;
}

/** One message per result in the order of the calls, then the images that were inside them. */
function resultMessages(
  calls: ToolCallBlock[],
  after: number,
  results: Map<string, Placed[]>,
  context: Context,
): ChatMessage[] {
  const images: ImagePart[] = [];
  const messages: ChatMessage[] = [];
  for (const call of calls) {
    const placed = results.get(call.id)?.find((candidate) => !candidate.used && candidate.message > after);
    if (placed === undefined) continue;
    placed.used = true;
    const content = resultText(placed, images, context.losses);
    messages.push({ role: "tool", tool_call_id: fitCallId(call.id), content });
  }
  if (images.length > 0) {
    const parts = images.flatMap((image, index): Part[] => [
      { type: "text", text: `Image ${index + 1} of the results above:` },
      image,
    ]);
    messages.push({ role: "user", content: parts });
  }
  return messages;
}

function chatCall(call: ToolCallBlock, names: NameMap): Json {
  const args = call.argsRaw === "" ? "{}" : call.argsRaw;
  return { id: fitCallId(call.id), type: "function", function: { name: names.out(call.name), arguments: args } };
}

/** What an assistant said, its calls, and its reasoning where the provider wants that back. */
function assistantMessage(
  blocks: Block[],
  path: string,
  context: Context,
): { message?: ChatMessage; calls: ToolCallBlock[] } {
  const { losses, quirks, names } = context;
  const calls: ToolCallBlock[] = [];
  let text = "";
  let reasoning = "";
  blocks.forEach((block, index) => {
    const at = `${path}[${index}]`;
    if (block.kind === "text") {
      if (calls.length > 0)
        losses.add(at, "order of text behind a tool call", "Chat puts an assistant's text before its calls");
      text += text !== "" && calls.length > 0 ? `\n\n${block.text}` : block.text;
    } else if (block.kind === "tool_call" && block.callKind === "function") calls.push(block);
    else if (block.kind !== "thinking") {
      const what =
        block.kind === "opaque" ? block.type : block.kind === "tool_call" ? `${block.callKind} tool call` : block.kind;
      losses.add(at, what, "Chat has no form for it in an assistant's turn");
    } else if (quirks.reasoningContent && block.origin === null) reasoning += block.text;
    else losses.add(at, "thinking", "earlier reasoning goes only to the model that reasoned");
  });
  if (text === "" && calls.length === 0) return { calls };
  const message: ChatMessage = {
    role: "assistant",
    content: text === "" ? null : text,
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map((call) => chatCall(call, names)) }),
  };
  return { message, calls };
}

/** A user's turn without the results that were moved up to their calls. */
function userMessages(blocks: Block[], index: number, results: Map<string, Placed[]>, context: Context): ChatMessage[] {
  const path = `messages[${index}].content`;
  const parts = blocks.flatMap((block, at): Part[] => {
    if (block.kind !== "tool_result") return blockParts(block, `${path}[${at}]`, context.losses);
    const placed = results.get(block.callId)?.find((candidate) => candidate.block === block);
    if (placed === undefined || placed.used) return [];
    context.losses.add(placed.path, "tool result", "no tool call before it has this id");
    return contentParts(block.content, `${path}[${at}].content`, context.losses);
  });
  return parts.length === 0 ? [] : [{ role: "user", content: contentOf(parts) }];
}

/** The whole conversation, system prompt first, later system messages where they stood (but never between a call and its result). */
export function encodeMessages(request: CanonicalRequest, context: Context): ChatMessage[] {
  const { losses, quirks } = context;
  const results = collectResults(request);
  const system = systemText(request.system, "system", losses);
  const out: ChatMessage[] = system === "" ? [] : [{ role: quirks.systemRole, content: system }];
  request.messages.forEach(({ role, blocks }, index) => {
    const path = `messages[${index}].content`;
    if (role === "assistant") {
      const { message, calls } = assistantMessage(blocks, path, context);
      if (message !== undefined) out.push(message, ...resultMessages(calls, index, results, context));
      if (index === request.messages.length - 1 && calls.length === 0) {
        losses.add(`messages[${index}]`, "prefilled answer", "Chat starts a new answer instead of continuing this one");
      }
    } else if (role === "system" || role === "developer") {
      const content = systemText(blocks, path, losses);
      if (content !== "") out.push({ role: quirks.systemRole, content });
    } else out.push(...userMessages(blocks, index, results, context));
  });
  return out;
}
