// Which tool result answers which call. Clients may spread results over several turns and use an id again; most providers want every result
// right behind the turn that called, and all of them refuse a call that got none.

import type { CanonicalRequest, Message, ToolCallBlock, ToolResultBlock } from "./canonical.ts";
import type { LossList } from "./losses.ts";

export type PlacedResult = { block: ToolResultBlock; message: number; path: string };

export type Results = {
  /** The next unused result for a call made in this message; it counts as used from then on. To be asked in the order of the messages. */
  take(callId: string, message: number): PlacedResult | undefined;
  /** Where the result stands if no call took it; undefined when one did. */
  left(block: ToolResultBlock): PlacedResult | undefined;
};

/** What the model is told where no result came: nothing of what the tool may have done. */
const NO_RESULT = "No result came for this call.";

/** One id: the messages it was called in, its results in order, and how far both were gone through. */
type SameId = { calledIn: number[]; results: PlacedResult[]; call: number; result: number };

/** Every result of a conversation, in order. One that stands behind a later call of the same id belongs to that call. */
export function collectResults(request: CanonicalRequest): Results {
  const byId = new Map<string, SameId>();
  const unused = new Map<ToolResultBlock, PlacedResult>();
  const sameId = (id: string): SameId => {
    let same = byId.get(id);
    if (same === undefined) byId.set(id, (same = { calledIn: [], results: [], call: 0, result: 0 }));
    return same;
  };
  request.messages.forEach(({ blocks, path }, message) => {
    blocks.forEach((block, index) => {
      if (block.kind === "tool_call") sameId(block.id).calledIn.push(message);
      if (block.kind !== "tool_result") return;
      const placed = { block, message, path: `${path}.content[${index}]` };
      sameId(block.callId).results.push(placed);
      unused.set(block, placed);
    });
  });
  return {
    take(callId, message) {
      const same = byId.get(callId);
      if (same === undefined) return undefined;
      // Asked in the order of the messages, both lists are gone through once, however often an id is used.
      const { calledIn, results } = same;
      while (same.call < calledIn.length && calledIn[same.call]! <= message) same.call += 1;
      while (same.result < results.length && results[same.result]!.message <= message) same.result += 1;
      const found = results[same.result];
      if (found === undefined || found.message >= (calledIn[same.call] ?? Infinity)) return undefined;
      same.result += 1;
      unused.delete(found.block);
      return found;
    },
    left: (block) => unused.get(block),
  };
}

/** The conversation with a failed result behind every turn whose calls never got theirs, as those of a client that was interrupted. */
export function answerCalls(request: CanonicalRequest, losses: LossList): CanonicalRequest {
  const results = collectResults(request);
  const messages = request.messages.flatMap((message, index): Message[] => {
    if (message.role !== "assistant") return [message];
    const open = message.blocks.filter(
      (block): block is ToolCallBlock =>
        block.kind === "tool_call" && block.callKind !== "server" && results.take(block.id, index) === undefined,
    );
    if (open.length === 0) return [message];
    const { path } = message;
    losses.add(path, "call without a result", "providers refuse one; the model is told that none came");
    const blocks = open.map(({ id }): ToolResultBlock => {
      return { kind: "tool_result", callId: id, isError: true, content: [{ kind: "text", text: NO_RESULT }] };
    });
    return [message, { role: "tool", blocks, path }];
  });
  return messages.length === request.messages.length ? request : { ...request, messages };
}
