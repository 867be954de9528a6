// A session's updates on their way to the editor: text that comes in drops is gathered for a moment, everything is on disk before it is sent, and
// nothing is larger than an editor takes.

import type { SessionUpdate } from "./schema.ts";

/** Text is sent when so much of it has come, or after this long. */
const MOST_TEXT = 32 * 1024;
const GATHER_MS = 30;
/** Of one text in a tool's report; the rest is in the run's own record. */
const MOST_TOOL_TEXT = 64 * 1024;

type Chunk = "agent_message_chunk" | "agent_thought_chunk";

export type UpdateStream = {
  /** Resolves when it, and all before it, is out. */
  send(update: SessionUpdate): Promise<void>;
  /** Sends what was gathered. */
  flush(): Promise<void>;
};

function textOf(update: SessionUpdate): { kind: Chunk; text: string } | undefined {
  const { sessionUpdate: kind } = update;
  if (kind !== "agent_message_chunk" && kind !== "agent_thought_chunk") return undefined;
  return update.content.type === "text" ? { kind, text: update.content.text } : undefined;
}

/** The update with every text in it of a length that editors take. */
function bounded(update: SessionUpdate): SessionUpdate {
  if (update.sessionUpdate !== "tool_call" && update.sessionUpdate !== "tool_call_update") return update;
  const content = update.content?.map((item) => {
    if (item.type !== "content" || item.content.type !== "text" || item.content.text.length <= MOST_TOOL_TEXT)
      return item;
    const text = `${item.content.text.slice(0, MOST_TOOL_TEXT)}\n[cut]`.toWellFormed();
    return { ...item, content: { ...item.content, text } };
  });
  return content === undefined ? update : { ...update, content };
}

/** Gathers and hands on to `out`, one at a time. */
export function streamUpdates(out: (update: SessionUpdate) => Promise<void>): UpdateStream {
  let kind: Chunk = "agent_message_chunk";
  let gathered = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let chain: Promise<void> = Promise.resolve();
  const put = (update: SessionUpdate) => (chain = chain.then(() => out(update)));
  const flush = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    for (let at = 0; at < gathered.length; at += MOST_TEXT) {
      const text = gathered.slice(at, at + MOST_TEXT);
      void put({ sessionUpdate: kind, content: { type: "text", text } });
    }
    gathered = "";
    return chain;
  };
  return {
    send(update) {
      const chunk = textOf(update);
      if (chunk === undefined) {
        void flush();
        return put(bounded(update));
      }
      if (chunk.kind !== kind) void flush();
      kind = chunk.kind;
      gathered += chunk.text;
      if (gathered.length >= MOST_TEXT) return flush();
      timer ??= setTimeout(() => void flush(), GATHER_MS);
      return chain;
    },
    flush,
  };
}
