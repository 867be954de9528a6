// Canonical messages → Chat messages. Chat wants every result right behind the assistant message that called, before anything else; Anthropic
// clients may spread results over several turns and put text and images among them.

import type { Json } from "#src/core/json.ts";
import type { Block, CanonicalRequest, ToolCallBlock } from "../canonical.ts";
import { wrapInput } from "../custom.ts";
import { LOST_THINKING, type LossList } from "../losses.ts";
import { fitCallId, type ToolNames } from "../names.ts";
import type { Quirks } from "../quirks.ts";
import { answerCalls, collectResults, type PlacedResult, type Results } from "../results.ts";
import { isMintedBy } from "../seal.ts";
import { blockParts, contentOf, contentParts, type ImagePart, type Part, systemText } from "./content.ts";
import { detailsOf } from "./details.ts";

type ChatMessage = { [key: string]: Json };
type Context = { quirks: Quirks; scope: string; names: ToolNames; losses: LossList };

function resultText(placed: PlacedResult, images: ImagePart[], losses: LossList): string {
  const lines = contentParts(placed.block.content, `${placed.path}.content`, losses).map((part) => {
    if (part.type === "text") return part.text;
    images.push(part);
    return `[image ${images.length}: shown in the message after the results]`;
  });
  const text = lines.join("\n");
  return placed.block.isError ? `[tool error] ${text}` : text;
}

/** One message per result in the order of the calls, then the images that were inside them. */
function resultMessages(calls: ToolCallBlock[], after: number, results: Results, context: Context): ChatMessage[] {
  const images: ImagePart[] = [];
  const messages: ChatMessage[] = [];
  for (const call of calls) {
    const placed = results.take(call.id, after);
    if (placed === undefined) continue;
    const content = resultText(placed, images, context.losses);
    messages.push({ role: "tool", tool_call_id: fitCallId(call.id, context.quirks.callIds), content });
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

function chatCall(call: ToolCallBlock, signature: string | undefined, { names, quirks }: Context): Json {
  const id = fitCallId(call.id, quirks.callIds);
  // Google's Chat endpoint keeps a call's thought signature here.
  const signed = signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } };
  const name = names.out(call.name, call.namespace);
  if (call.callKind === "custom" && quirks.customTools) {
    return { id, type: "custom", custom: { name, input: call.argsRaw }, ...signed };
  }
  const args = call.callKind === "custom" ? wrapInput(call.argsRaw) : call.argsRaw.trim() === "" ? "{}" : call.argsRaw;
  return { id, type: "function", function: { name, arguments: args }, ...signed };
}

/** What an assistant said, its calls, and its reasoning where the provider wants that back. */
function assistantMessage(
  blocks: Block[],
  path: string,
  context: Context,
): { message?: ChatMessage; calls: ToolCallBlock[] } {
  const { losses, quirks, scope } = context;
  const calls: ToolCallBlock[] = [];
  const signatures = new Map<ToolCallBlock, string>();
  let signature: string | undefined;
  let text = "";
  let reasoning = "";
  const thoughts: Json[] = [];
  blocks.forEach((block, index) => {
    const at = `${path}[${index}]`;
    if (block.kind === "text") {
      if (calls.length > 0)
        losses.add(at, "order of text behind a tool call", "Chat puts an assistant's text before its calls");
      text += text !== "" && calls.length > 0 ? `\n\n${block.text}` : block.text;
    } else if (block.kind === "tool_call" && block.callKind !== "server") {
      calls.push(block);
      if (signature !== undefined) signatures.set(block, signature);
      signature = undefined;
    } else if (block.kind !== "thinking") {
      const what =
        block.kind === "opaque" ? block.type : block.kind === "tool_call" ? `${block.callKind} tool call` : block.kind;
      losses.add(at, what, "Chat has no form for it in an assistant's turn");
    } else if (isMintedBy(block, "openai-chat", scope)) {
      const details = detailsOf(block);
      if (details === undefined) ({ signature } = block);
      else thoughts.push(...details);
    } else if (quirks.reasoningContent && block.origin === null) reasoning += block.text;
    else losses.add(at, "thinking", LOST_THINKING);
  });
  if (text === "" && calls.length === 0) return { calls };
  const message: ChatMessage = {
    role: "assistant",
    content: text === "" ? null : text,
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(thoughts.length === 0 ? {} : { reasoning_details: thoughts }),
    ...(calls.length === 0 ? {} : { tool_calls: calls.map((call) => chatCall(call, signatures.get(call), context)) }),
  };
  return { message, calls };
}

/** A user's turn without the results that were moved up to their calls. */
function userMessages(blocks: Block[], path: string, results: Results, context: Context): ChatMessage[] {
  const parts = blocks.flatMap((block, at): Part[] => {
    if (block.kind !== "tool_result") return blockParts(block, `${path}[${at}]`, context.losses);
    const placed = results.left(block);
    if (placed === undefined) return [];
    context.losses.add(placed.path, "tool result", "no tool call before it has this id");
    return contentParts(block.content, `${path}[${at}].content`, context.losses);
  });
  return parts.length === 0 ? [] : [{ role: "user", content: contentOf(parts) }];
}

/** The whole conversation, system prompt first, later system messages where they stood (but never between a call and its result). */
export function encodeMessages(given: CanonicalRequest, context: Context): ChatMessage[] {
  const { losses, quirks } = context;
  const request = answerCalls(given, losses);
  const results = collectResults(request);
  const system = systemText(request.system, "system", losses);
  const out: ChatMessage[] = system === "" ? [] : [{ role: quirks.systemRole, content: system }];
  request.messages.forEach(({ role, blocks, path: at }, index) => {
    const path = `${at}.content`;
    if (role === "assistant") {
      const { message, calls } = assistantMessage(blocks, path, context);
      if (message !== undefined) out.push(message, ...resultMessages(calls, index, results, context));
      if (index === request.messages.length - 1 && calls.length === 0) {
        losses.add(at, "prefilled answer", "Chat starts a new answer instead of continuing this one");
      }
    } else if (role === "system" || role === "developer") {
      const content = systemText(blocks, path, losses);
      if (content !== "") out.push({ role: quirks.systemRole, content });
    } else out.push(...userMessages(blocks, path, results, context));
  });
  return out;
}
