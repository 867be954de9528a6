// A stored session as it is shown again: what was asked and what was answered, in order; a text that went out in many pieces in few; tool calls that a
// crash left open, ended. Pure.

import type { SessionUpdate } from "./schema.ts";
import type { StoredSession } from "./store.ts";
import { chunkOf, MOST_TEXT } from "./stream.ts";
import { type TerminalStyle, withoutTerminals } from "./terminals.ts";
import { trackTools } from "./tools.ts";

/** The updates for an editor that draws terminals in this style; `isGoingOn`: of its last turn there is more to come. */
export function* replayed(
  lines: StoredSession["lines"],
  style: TerminalStyle,
  isGoingOn: boolean,
): Generator<SessionUpdate> {
  const plain = withoutTerminals();
  const tools = trackTools();
  let told: { kind: "agent_message_chunk" | "agent_thought_chunk"; text: string } | undefined;
  const rest = (): SessionUpdate[] => {
    if (told === undefined) return [];
    const { kind, text } = told;
    told = undefined;
    return [{ sessionUpdate: kind, content: { type: "text", text } }];
  };
  for (const entry of lines) {
    if (entry.kind === "prompt") {
      yield* rest();
      yield* tools.close();
      for (const content of entry.blocks)
        yield { sessionUpdate: "user_message_chunk", content } as unknown as SessionUpdate;
    }
    if (entry.kind !== "update") continue;
    const update = entry.update as SessionUpdate;
    tools.see(update);
    const chunk = chunkOf(update);
    if (chunk === undefined || chunk.kind !== told?.kind || told.text.length + chunk.text.length > MOST_TEXT)
      yield* rest();
    if (chunk !== undefined) told = { kind: chunk.kind, text: (told?.text ?? "") + chunk.text };
    else yield* style === undefined ? plain(update) : [update];
  }
  yield* rest();
  if (!isGoingOn) yield* tools.close();
}
