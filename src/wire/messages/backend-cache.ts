// Marks for Anthropic's prompt cache, which keeps nothing unasked: clients of dialects whose caches need no marks would pay for the whole
// conversation at every turn. Must never add to marks of the client's own; of those it takes the last four, which cover the longest prefixes.

import type { Json } from "#src/core/json.ts";
import type { Block, CanonicalRequest } from "../canonical.ts";
import { cacheMember } from "./backend-content.ts";
import type { Turn } from "./backend-conversation.ts";

type Member = { [key: string]: Json };
type Prompt = { tools: Member[]; system: Member[]; messages: Turn[] };

/** Anthropic refuses a request with more. */
const MOST_MARKS = 4;
/** One ends the tools, one the system prompt. */
const MARKED_TURNS = MOST_MARKS - 2;

const isMarked = (block: Block): boolean =>
  block.cache !== undefined || (block.kind === "tool_result" && block.content.some(isMarked));

/** Whether the client marked anything itself. */
export function hasMarks({ tools, system, messages }: CanonicalRequest): boolean {
  return (
    tools.some((tool) => tool.kind === "function" && tool.cache !== undefined) ||
    system.some(isMarked) ||
    messages.some(({ blocks }) => blocks.some(isMarked))
  );
}

const endMarked = (members: Member[]): Member[] =>
  members.map((member, at) => (at === members.length - 1 ? { ...member, ...cacheMember({}) } : member));

/**
 * The prompt with a mark at the end of the tools, of the system prompt and of the last turns of the user: this request writes up to the last
 * one, and has the one before to read from.
 */
export function markPrefixes({ tools, system, messages }: Prompt): Prompt {
  const users = messages.filter(({ role }) => role === "user").slice(-MARKED_TURNS);
  return {
    tools: endMarked(tools),
    system: endMarked(system),
    messages: messages.map((turn) => (users.includes(turn) ? { ...turn, content: endMarked(turn.content) } : turn)),
  };
}

/** The prompt with the last marks of a client that set more than Anthropic takes. */
export function keepLastMarks({ tools, system, messages }: Prompt): Prompt {
  let left = MOST_MARKS;
  const kept = (members: Member[]): Member[] =>
    members
      .toReversed()
      .map((member) => {
        const { cache_control: mark, ...unmarked } = member;
        const own = mark === undefined || left > 0 ? member : unmarked;
        if (mark !== undefined && left > 0) left -= 1;
        // A result's parts stand before its own end.
        return Array.isArray(own["content"]) ? { ...own, content: kept(own["content"] as Member[]) } : own;
      })
      .toReversed();
  // What the provider reads last comes first here.
  const turns = messages.toReversed().map((turn) => ({ ...turn, content: kept(turn.content) }));
  const prompt = kept(system);
  return { tools: kept(tools), system: prompt, messages: turns.toReversed() };
}
