// The events of an answer that is complete, as its blocks: for dialects whose whole answers are read like streams of one piece.

import type { Block, BlockHead, BlockKey, HubEvent, Stop } from "./canonical.ts";
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
  const said = new Map<BlockKey, { head: BlockHead; text: string; signature: string | undefined }>();
  for (const event of events) {
    if (event.kind === "blockStart") said.set(event.key, { head: event.head, text: "", signature: undefined });
    const block = event.kind === "delta" || event.kind === "signature" ? said.get(event.key) : undefined;
    if (block === undefined) continue;
    if (event.kind === "delta") block.text += event.text;
    if (event.kind === "signature") block.signature = event.signature;
  }
  return [...said.values()].flatMap(({ head, text, signature }) => blockOf(head, text, signature, reading));
}
