// A conversation as what was said, thought, called and answered in it: what has to survive a translation, whatever the dialect's form.

import type { Block, CanonicalRequest, ToolCallBlock, ToolResultBlock } from "#src/wire/canonical.ts";
import { collectResults } from "#src/wire/results.ts";

export type Said = { says: string; text: string };
export type Shown = { shows: string };
export type Thought = { thinks: string; proof: string | null; by: string };
/** `turn` counts the turns that call; `free`: the arguments are free text. */
export type Called = { calls: number; turn: number; name: string; args: string; free: boolean };
export type Answered = { answers: number; text: string; failed: boolean; shows: string[] };
export type Fact = Said | Shown | Thought | Called | Answered;

const picture = (block: Block): string => {
  if (block.kind !== "image") return "";
  const { source } = block;
  return source.kind === "url" ? source.url : source.kind === "base64" ? source.data : source.kind;
};

function contentOf(blocks: readonly Block[]): { text: string; shows: string[] } {
  return {
    text: blocks.flatMap((block) => (block.kind === "text" ? [block.text] : [])).join("\n"),
    shows: blocks.flatMap((block) => (block.kind === "image" ? [picture(block)] : [])),
  };
}

/** Every fact in order. `nameOf` is how a call's tool is called; `by` says whose a thought is. */
export function factsOf(request: CanonicalRequest, nameOf: (call: ToolCallBlock) => string): Fact[] {
  const results = collectResults(request);
  const answered = new Map<ToolResultBlock, number>();
  const numbers = new Map<ToolCallBlock, number>();
  const turns = new Map<ToolCallBlock, number>();
  let turn = -1;
  request.messages.forEach(({ blocks }, index) => {
    if (blocks.some((block) => block.kind === "tool_call")) turn++;
    for (const block of blocks) {
      if (block.kind !== "tool_call") continue;
      turns.set(block, turn);
      const placed = results.take(block.id, index);
      if (placed !== undefined) answered.set(placed.block, numbers.size);
      numbers.set(block, numbers.size);
    }
  });
  const factOf = (block: Block, role: string): Fact => {
    switch (block.kind) {
      case "text":
        return { says: role, text: block.text };
      case "image":
        return { shows: picture(block) };
      case "thinking":
        return {
          thinks: block.text,
          proof: block.signature ?? block.redacted ?? null,
          by: `${block.origin ?? "nobody"} ${block.scope ?? ""}`,
        };
      case "tool_call": {
        const free = block.callKind === "custom";
        return { calls: numbers.get(block)!, turn: turns.get(block)!, name: nameOf(block), args: block.argsRaw, free };
      }
      case "tool_result":
        return { answers: answered.get(block) ?? -1, failed: block.isError, ...contentOf(block.content) };
      default:
        return { says: role, text: `[${block.kind}]` };
    }
  };
  const system = request.system.map((block) => factOf(block, "system"));
  return [...system, ...request.messages.flatMap(({ role, blocks }) => blocks.map((block) => factOf(block, role)))];
}

/** Answers right behind their calls, in their order; what one side says in a row in one piece. */
export function inOrder(facts: readonly Fact[]): Fact[] {
  const answers = facts.filter((fact) => "answers" in fact);
  const rest = facts.filter((fact) => !("answers" in fact));
  const out: Fact[] = [];
  let open: number[] = [];
  rest.forEach((fact, at) => {
    const last = out.at(-1);
    if ("says" in fact && last !== undefined && "says" in last && last.says === fact.says) {
      out[out.length - 1] = { says: last.says, text: `${last.text}\n\n${fact.text}` };
    } else out.push(fact);
    if (!("calls" in fact)) return;
    open.push(fact.calls);
    const next = rest[at + 1];
    if (next !== undefined && "calls" in next && next.turn === fact.turn) return;
    const own = open;
    out.push(...answers.filter((each) => own.includes(each.answers)).toSorted((a, b) => a.answers - b.answers));
    open = [];
  });
  return out;
}
