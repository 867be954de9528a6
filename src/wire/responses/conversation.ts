// Canonical messages → Responses input items, in order. Reasoning goes back only to the backend that encrypted it, and never without the item
// it led to: OpenAI refuses one without the other.

import type { Json } from "#src/core/json.ts";
import type { Block, CanonicalRequest, Message, ToolCallBlock, ToolResultBlock } from "../canonical.ts";
import { systemText } from "../chat/content.ts";
import { wrapInput } from "../custom.ts";
import { LOST_THINKING, type LossList } from "../losses.ts";
import { fitCallId, type ToolNames } from "../names.ts";
import type { Quirks } from "../quirks.ts";
import { answerCalls, collectResults, type Results } from "../results.ts";
import { isMintedBy } from "../seal.ts";
import { blockParts, contentParts, outputOf, type Part } from "./content.ts";

type Item = { [key: string]: Json; type: string };
type Placed = { item: Item; path: string; by: "model" | "other" };
type Context = { quirks: Quirks; scope: string; names: ToolNames; losses: LossList };
/** `free`: the results that answer a call of a tool with free text. */
type Answers = { results: Results; free: Set<ToolResultBlock> };

const isFree = (call: ToolCallBlock, quirks: Quirks) => call.callKind === "custom" && quirks.customTools;

/** The signature is `id:encrypted_content`; a server without item ids has none before the colon. */
function reasoningItem(signature: string, text: string): Item | undefined {
  const colon = signature.indexOf(":");
  if (colon < 0) return undefined;
  const id = signature.slice(0, colon);
  const summary = text === "" ? [] : [{ type: "summary_text", text }];
  return {
    type: "reasoning",
    ...(id === "" ? {} : { id }),
    summary,
    encrypted_content: signature.slice(colon + 1),
  };
}

function callItem(call: ToolCallBlock, { names, quirks }: Context): Item {
  const named = { call_id: fitCallId(call.id, quirks.callIds), name: names.out(call.name, call.namespace) };
  if (isFree(call, quirks)) return { type: "custom_tool_call", ...named, input: call.argsRaw };
  const args = call.callKind === "custom" ? wrapInput(call.argsRaw) : call.argsRaw.trim() === "" ? "{}" : call.argsRaw;
  return { type: "function_call", ...named, arguments: args };
}

function assistantItems({ blocks, path }: Message, context: Context): Placed[] {
  const { losses, scope } = context;
  const out: Placed[] = [];
  let said: Json[] | undefined;
  const push = (item: Item, at: string) => {
    said = undefined;
    out.push({ item, path: at, by: "model" });
  };
  blocks.forEach((block, index) => {
    const at = `${path}.content[${index}]`;
    if (block.kind === "text") {
      const part = { type: "output_text", text: block.text };
      if (block.text === "") return;
      if (said !== undefined) return void said.push(part);
      const content = [part];
      push({ type: "message", role: "assistant", content }, at);
      said = content;
    } else if (block.kind === "tool_call" && block.callKind !== "server") push(callItem(block, context), at);
    else if (block.kind === "thinking") {
      const mine = isMintedBy(block, "openai-responses", scope) && block.signature !== undefined;
      const item = mine ? reasoningItem(block.signature ?? "", block.text) : undefined;
      if (item === undefined) losses.add(at, "thinking", LOST_THINKING);
      else push(item, at);
    } else {
      const what =
        block.kind === "opaque" ? block.type : block.kind === "tool_call" ? `${block.callKind} tool call` : block.kind;
      losses.add(at, what, "it has no form in an assistant's turn here");
    }
  });
  return out;
}

function resultItem(block: ToolResultBlock, path: string, { quirks, losses }: Context, { free }: Answers): Item {
  const type = free.has(block) ? "custom_tool_call_output" : "function_call_output";
  return { type, call_id: fitCallId(block.callId, quirks.callIds), output: outputOf(block, path, losses) };
}

/** Results first, then what the user says beside them. */
function userItems({ blocks, path }: Message, context: Context, answers: Answers): Placed[] {
  const outputs: Placed[] = [];
  const parts = blocks.flatMap((block, index): Part[] => {
    const at = `${path}.content[${index}]`;
    if (block.kind !== "tool_result") return blockParts(block, at, context.losses);
    if (answers.results.left(block) !== undefined) {
      context.losses.add(at, "tool result", "no tool call before it has this id");
      return contentParts(block.content, `${at}.content`, context.losses);
    }
    outputs.push({ item: resultItem(block, at, context, answers), path: at, by: "other" });
    return [];
  });
  if (parts.length === 0) return outputs;
  return [...outputs, { item: { type: "message", role: "user", content: parts }, path, by: "other" }];
}

/** Which result answers which call, known before anything is written. */
function collectAnswers(request: CanonicalRequest, quirks: Quirks): Answers {
  const results = collectResults(request);
  const free = new Set<ToolResultBlock>();
  const calls = (block: Block): ToolCallBlock[] =>
    block.kind === "tool_call" && block.callKind !== "server" ? [block] : [];
  request.messages.forEach(({ role, blocks }, index) => {
    if (role !== "assistant") return;
    for (const call of blocks.flatMap(calls)) {
      const placed = results.take(call.id, index);
      if (placed !== undefined && isFree(call, quirks)) free.add(placed.block);
    }
  });
  return { results, free };
}

/** Without reasoning that nothing of the model follows. */
function withoutLoneReasoning(all: Placed[], losses: LossList): Item[] {
  const follows: boolean[] = [];
  for (let at = all.length - 1, next = false; at >= 0; at--) {
    follows[at] = next;
    if (all[at]!.item.type !== "reasoning") next = all[at]!.by === "model";
  }
  return all.flatMap(({ item, path }, at) => {
    if (item.type !== "reasoning" || follows[at]) return [item];
    losses.add(path, "thinking", "OpenAI takes no reasoning without what it led to");
    return [];
  });
}

/** The whole conversation without the system prompt; later system messages where they stood. */
export function encodeInput(given: CanonicalRequest, context: Context): Json[] {
  const request = answerCalls(given, context.losses);
  const answers = collectAnswers(request, context.quirks);
  const placed = request.messages.flatMap((message, index): Placed[] => {
    const { role, blocks, path } = message;
    if (role === "assistant") {
      const items = assistantItems(message, context);
      if (index === request.messages.length - 1 && !blocks.some((block) => block.kind === "tool_call")) {
        context.losses.add(path, "prefilled answer", "Responses starts a new answer instead of continuing this one");
      }
      return items;
    }
    if (role === "user" || role === "tool") return userItems(message, context, answers);
    const text = systemText(blocks, `${path}.content`, context.losses);
    const content = [{ type: "input_text", text }];
    return text === "" ? [] : [{ item: { type: "message", role, content }, path, by: "other" }];
  });
  return withoutLoneReasoning(placed, context.losses);
}
