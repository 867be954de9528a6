// Canonical messages → Anthropic messages: turns alternate, every result stands first in the turn behind the calls, a turn with thinking begins
// with it, and thinking goes back only to who signed it.

import type { Json } from "#src/core/json.ts";
import type { Block, CanonicalRequest, Message, ToolCallBlock } from "../canonical.ts";
import type { LossList } from "../losses.ts";
import { fitCallId, type ToolNames } from "../names.ts";
import { collectResults, type Results } from "../results.ts";
import { isMintedBy } from "../seal.ts";
import { callMember, contentMembers } from "./backend-content.ts";

type Member = { [key: string]: Json };
type Turn = { role: "user" | "assistant"; content: Member[] };
type Context = { scope: string; names: ToolNames; losses: LossList };

function assistantTurn({ blocks, path }: Message, { scope, names, losses }: Context) {
  const thinking: Member[] = [];
  const rest: Member[] = [];
  const calls: ToolCallBlock[] = [];
  blocks.forEach((block, index) => {
    const at = `${path}.content[${index}]`;
    if (block.kind === "thinking") {
      const into = rest.length === 0 || thinking.length === 0 ? thinking : rest;
      if (!isMintedBy(block, "anthropic", scope))
        losses.add(at, "thinking", "earlier reasoning goes only to the model that reasoned");
      else if (block.redacted !== undefined) into.push({ type: "redacted_thinking", data: block.redacted });
      else into.push({ type: "thinking", thinking: block.text, signature: block.signature ?? "" });
    } else if (block.kind === "text") {
      if (block.text.trim() !== "") rest.push({ type: "text", text: block.text });
    } else if (block.kind === "tool_call" && block.callKind !== "server") {
      calls.push(block);
      rest.push(callMember(block, at, names, losses));
    } else {
      losses.add(at, block.kind === "opaque" ? block.type : block.kind, "Anthropic has no form for it in an answer");
    }
  });
  return { content: [...thinking, ...rest], calls };
}

function resultMembers(calls: ToolCallBlock[], after: number, results: Results, losses: LossList): Member[] {
  return calls.flatMap((call): Member[] => {
    const placed = results.take(call.id, after);
    if (placed === undefined) return [];
    const content = contentMembers(placed.block.content, `${placed.path}.content`, losses);
    return [
      {
        type: "tool_result",
        tool_use_id: fitCallId(call.id),
        content,
        ...(placed.block.isError ? { is_error: true } : {}),
      },
    ];
  });
}

function userContent(blocks: Block[], path: string, results: Results, losses: LossList): Member[] {
  return blocks.flatMap((block, index): Member[] => {
    const at = `${path}.content[${index}]`;
    if (block.kind !== "tool_result") return contentMembers([block], at, losses);
    const placed = results.left(block);
    if (placed === undefined) return [];
    losses.add(at, "tool result", "no tool call before it has this id");
    return contentMembers(block.content, `${at}.content`, losses);
  });
}

/** The conversation; the system prompt is not part of it. */
export function encodeMessages(request: CanonicalRequest, context: Context): Turn[] {
  const { losses } = context;
  const results = collectResults(request);
  const turns: Turn[] = [];
  const say = (role: Turn["role"], content: Member[]) => {
    if (content.length === 0) return;
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content });
  };
  request.messages.forEach((message, index) => {
    if (message.role === "assistant") {
      const { content, calls } = assistantTurn(message, context);
      say("assistant", content);
      say("user", resultMembers(calls, index, results, losses));
      return;
    }
    if (message.role !== "user" && message.role !== "tool") {
      losses.add(message.path, "role of a later system message", "Anthropic has one system prompt, at the start");
    }
    say("user", userContent(message.blocks, message.path, results, losses));
  });
  if (turns[0]?.role === "assistant") {
    losses.add("messages", "conversation that begins with an answer", "Anthropic's begin with a user");
    turns.unshift({ role: "user", content: [{ type: "text", text: "(The conversation goes on from here.)" }] });
  }
  return turns;
}

/** Whether the calls of the last assistant turn are still being answered without the thinking that led to them. */
export function hasUnthoughtCalls(turns: readonly Turn[]): boolean {
  const last = turns.findLast((turn) => turn.role === "assistant");
  const types = (last?.content ?? []).map((member) => member["type"]);
  const answered = turns.at(-1)?.content.some((member) => member["type"] === "tool_result") === true;
  return answered && types.includes("tool_use") && types[0] !== "thinking" && types[0] !== "redacted_thinking";
}
