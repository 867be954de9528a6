// The events of an answer that is complete, as its blocks: for dialects whose whole answers are read like streams of one piece.

import type { Block, BlockHead, HubEvent } from "./canonical.ts";
import { unwrapInput } from "./custom.ts";

function blockOf(head: BlockHead, text: string, signature: string | undefined, wraps: boolean): Block {
  switch (head.kind) {
    case "text":
      return { kind: "text", text };
    case "thinking":
      return { ...head, text, ...(signature === undefined ? {} : { signature }) };
    case "tool_call":
      return { ...head, argsRaw: wraps && head.callKind === "custom" ? unwrapInput(text) : text };
  }
}

/**
 * The blocks that events tell of, in the order they began. `wraps`: tools of free text were sent as functions. Throws `upstream` when the
 * text of such a call is missing.
 */
export function collectBlocks(events: readonly HubEvent[], wraps: boolean): Block[] {
  return events.flatMap((event): Block[] => {
    if (event.kind !== "blockStart") return [];
    let text = "";
    let signature: string | undefined;
    for (const each of events) {
      if (each.kind === "delta" && each.key === event.key) text += each.text;
      if (each.kind === "signature" && each.key === event.key) ({ signature } = each);
    }
    return [blockOf(event.head, text, signature, wraps)];
  });
}
