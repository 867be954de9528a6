// The events of an answer that is complete, as its blocks: for dialects whose whole answers are read like streams of one piece.

import type { Block, BlockHead, HubEvent, Stop } from "./canonical.ts";
import { unwrapLast } from "./custom.ts";

/** How an answer was asked for and how it ended. `wraps`: tools of free text were sent as functions. */
type Reading = { wraps: boolean; stop: Stop };

function blockOf(head: BlockHead, text: string, signature: string | undefined, { wraps, stop }: Reading): Block[] {
  switch (head.kind) {
    case "text":
      return [{ kind: "text", text }];
    case "thinking":
      return [{ ...head, text, ...(signature === undefined ? {} : { signature }) }];
    case "tool_call": {
      const argsRaw = wraps && head.callKind === "custom" ? unwrapLast(text, stop) : text;
      return argsRaw === undefined ? [] : [{ ...head, argsRaw }];
    }
  }
}

/** The blocks that events tell of, in the order they began. Throws `upstream` when the text of a whole call of free text is missing. */
export function collectBlocks(events: readonly HubEvent[], reading: Reading): Block[] {
  return events.flatMap((event): Block[] => {
    if (event.kind !== "blockStart") return [];
    let text = "";
    let signature: string | undefined;
    for (const each of events) {
      if (each.kind === "delta" && each.key === event.key) text += each.text;
      if (each.kind === "signature" && each.key === event.key) ({ signature } = each);
    }
    return blockOf(event.head, text, signature, reading);
  });
}
