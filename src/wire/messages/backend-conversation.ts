// Canonical messages → Anthropic messages: turns alternate, every result stands first in the turn behind the calls, a turn with thinking begins
// with it, and thinking goes back only to who signed it.

import type { Json } from "#src/core/json.ts";
import type { Block, CanonicalRequest, Message, ToolCallBlock } from "../canonical.ts";
import { LOST_THINKING, type LossList } from "../losses.ts";
import { fitCallId, type ToolNames } from "../names.ts";
import { answerCalls, collectResults, type Results } from "../results.ts";
import { isMintedBy } from "../seal.ts";
import { blockMembers, cacheMember, callMember, contentMembers } from "./backend-content.ts";

type Member = { [key: string]: Json };
export type Turn = { role: "user" | "assistant"; content: Member[] };
type Context = { scope: string; names: ToolNames; losses: LossList };
/** A call with the id it has here. */
type Called = { call: ToolCallBlock; id: string };

/** Ids that no two calls share, which Anthropic refuses: servers that count from zero in every answer give the same one again. */
function makeIds(): (call: ToolCallBlock) => string {
  const used = new Set<string>();
  return ({ id }) => {
    let fitted = fitCallId(id);
    for (let next = 2; used.has(fitted); next++) fitted = fitCallId(`${id} ${next}`);
    used.add(fitted);
    return fitted;
  };
}

function isThinking(member: Member | undefined): boolean {
  return member?.["type"] === "thinking" || member?.["type"] === "redacted_thinking";
}

function assistantTurn(
  { blocks, path }: Message,
  idOf: (call: ToolCallBlock) => string,
  context: Context,
): { content: Member[]; calls: Called[] } {
  const { scope, losses } = context;
  const thinking: Member[] = [];
  const rest: Member[] = [];
  const calls: Called[] = [];
  blocks.forEach((block, index) => {
    const at = `${path}.content[${index}]`;
    if (block.kind === "thinking") {
      const into = rest.length === 0 || thinking.length === 0 ? thinking : rest;
      if (!isMintedBy(block, "anthropic", scope)) losses.add(at, "thinking", LOST_THINKING);
      else if (block.redacted !== undefined) into.push({ type: "redacted_thinking", data: block.redacted });
      else into.push({ type: "thinking", thinking: block.text, signature: block.signature ?? "" });
    } else if (block.kind === "text") {
      if (block.text.trim() !== "") rest.push({ type: "text", text: block.text, ...cacheMember(block.cache) });
    } else if (block.kind === "tool_call" && block.callKind !== "server") {
      const called = { call: block, id: idOf(block) };
      calls.push(called);
      rest.push(callMember(block, called.id, at, context));
    } else {
      losses.add(at, block.kind === "opaque" ? block.type : block.kind, "Anthropic has no form for it in an answer");
    }
  });
  const content = [...thinking, ...rest];
  const end = content.findLastIndex((member) => !isThinking(member)) + 1;
  if (end < content.length) losses.add(path, "thinking", "Anthropic takes none without what it led to");
  return { content: content.slice(0, end), calls };
}

/** Of a failed result that says nothing: Anthropic refuses one without words. */
const FAILED = "The call failed.";

/** The results in the order of the calls; of a failed one Anthropic takes text only, so its pictures stand behind them all. */
function resultMembers(calls: Called[], after: number, results: Results, losses: LossList): Member[] {
  const behind: Member[] = [];
  const members = calls.flatMap(({ call, id }): Member[] => {
    const placed = results.take(call.id, after);
    if (placed === undefined) return [];
    const { block, path } = placed;
    const all = contentMembers(block.content, `${path}.content`, losses);
    const texts = all.filter((member) => member["type"] === "text");
    const content = !block.isError ? all : texts.length > 0 ? texts : [{ type: "text", text: FAILED }];
    if (block.isError) behind.push(...all.filter((member) => member["type"] !== "text"));
    return [
      {
        type: "tool_result",
        tool_use_id: id,
        ...(content.length === 0 ? {} : { content }),
        ...(block.isError ? { is_error: true } : {}),
        ...cacheMember(block.cache),
      },
    ];
  });
  return [...members, ...behind];
}

function userContent(blocks: Block[], path: string, results: Results, losses: LossList): Member[] {
  return blocks.flatMap((block, index): Member[] => {
    const at = `${path}.content[${index}]`;
    if (block.kind !== "tool_result") return blockMembers(block, at, losses);
    const placed = results.left(block);
    if (placed === undefined) return [];
    losses.add(at, "tool result", "no tool call before it has this id");
    return contentMembers(block.content, `${at}.content`, losses);
  });
}

const said = (text: string): Turn => ({ role: "user", content: [{ type: "text", text }] });

/** Anthropic's conversations begin with a user, and its newer models refuse one that ends with an answer. */
function framed(turns: Turn[], losses: LossList): Turn[] {
  const out = [...turns];
  if (out[0]?.role === "assistant") {
    losses.add("messages", "conversation that begins with an answer", "Anthropic's begin with a user");
    out.unshift(said("(The conversation goes on from here.)"));
  }
  if (out.at(-1)?.role === "assistant") {
    losses.add("messages", "prefilled answer", "not every model of Anthropic's continues one");
    out.push(said("(Please go on.)"));
  }
  return out;
}

/** The conversation; the system prompt is not part of it. */
export function encodeMessages(given: CanonicalRequest, context: Context): Turn[] {
  const { losses } = context;
  const request = answerCalls(given, losses);
  const results = collectResults(request);
  const idOf = makeIds();
  const turns: Turn[] = [];
  const say = (role: Turn["role"], content: Member[]) => {
    if (content.length === 0) return;
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content });
  };
  request.messages.forEach((message, index) => {
    if (message.role === "assistant") {
      const { content, calls } = assistantTurn(message, idOf, context);
      say("assistant", content);
      say("user", resultMembers(calls, index, results, losses));
      return;
    }
    if (message.role !== "user" && message.role !== "tool") {
      losses.add(message.path, "role of a later system message", "Anthropic has one system prompt, at the start");
    }
    say("user", userContent(message.blocks, message.path, results, losses));
  });
  return framed(turns, losses);
}

const typesOf = (turn: Turn | undefined) => (turn?.content ?? []).map((member) => member["type"]);
const isAnswered = (turn: Turn | undefined) => turn?.role === "user" && typesOf(turn).includes("tool_result");

/**
 * Whether calls are still being answered without the thinking that led to them. A model thinks at the beginning of its turn, which goes on
 * through calls and results; between those it may think no more.
 */
export function hasUnthoughtCalls(turns: readonly Turn[]): boolean {
  if (!isAnswered(turns.at(-1))) return false;
  let first = turns.length - 2;
  const goesOn = (turn: Turn | undefined) => isAnswered(turn) && typesOf(turn).every((type) => type === "tool_result");
  while (first >= 2 && goesOn(turns[first - 1])) first -= 2;
  return !isThinking(turns[first]?.content[0]);
}
