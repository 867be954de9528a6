// Which tool result answers which call. Clients may spread results over several turns and use an id again; most providers want every result
// right behind the turn that called.

import type { CanonicalRequest, ToolResultBlock } from "./canonical.ts";

export type PlacedResult = { block: ToolResultBlock; message: number; path: string };

export type Results = {
  /** The next unused result for a call made in this message; it counts as used from then on. */
  take(callId: string, message: number): PlacedResult | undefined;
  /** Where the result stands if no call took it; undefined when one did. */
  left(block: ToolResultBlock): PlacedResult | undefined;
};

/** Every result of a conversation, in order. */
export function collectResults(request: CanonicalRequest): Results {
  const byCall = new Map<string, PlacedResult[]>();
  const unused = new Map<ToolResultBlock, PlacedResult>();
  request.messages.forEach(({ blocks, path }, message) => {
    blocks.forEach((block, index) => {
      if (block.kind !== "tool_result") return;
      const placed = { block, message, path: `${path}.content[${index}]` };
      const same = byCall.get(block.callId);
      if (same === undefined) byCall.set(block.callId, [placed]);
      else same.push(placed);
      unused.set(block, placed);
    });
  });
  return {
    take(callId, message) {
      const found = byCall.get(callId)?.find((placed) => unused.has(placed.block) && placed.message > message);
      if (found !== undefined) unused.delete(found.block);
      return found;
    },
    left: (block) => unused.get(block),
  };
}
