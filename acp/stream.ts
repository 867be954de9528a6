// A session's updates on their way to the editor: text that comes in drops is gathered for a moment, and freed of secrets wherever it was cut; everything
// is on disk before it is sent, and nothing is larger than an editor takes.
// Does not stop: a secret in a tool's arguments or in a change that is asked about: who answers must see what it is.

import type { RedactStream } from "#src/core/redact-stream.ts";
import type { SessionUpdate } from "./schema.ts";

/** Text is sent when so much of it has come; else so long after what was sent last, once that is out: who reads slowly gets more at once. */
export const MOST_TEXT = 32 * 1024;
const GATHER_MS = 10;
/** Of one text in a tool's report; the rest is in the run's own record. */
const MOST_TOOL_TEXT = 64 * 1024;

type Chunk = "agent_message_chunk" | "agent_thought_chunk";

export type UpdateStream = {
  /** Resolves when it, and all before it, is out. */
  send(update: SessionUpdate): Promise<void>;
  /** Sends what was gathered. */
  flush(): Promise<void>;
};

/** The text of an update that is a piece of a longer one. */
export function chunkOf(update: SessionUpdate): { kind: Chunk; text: string } | undefined {
  const { sessionUpdate: kind } = update;
  if (kind !== "agent_message_chunk" && kind !== "agent_thought_chunk") return undefined;
  return update.content.type === "text" ? { kind, text: update.content.text } : undefined;
}

/** The update with every text in it of a length that editors take, and without secrets. */
function bounded(update: SessionUpdate, redact: (text: string) => string): SessionUpdate {
  if (update.sessionUpdate !== "tool_call" && update.sessionUpdate !== "tool_call_update") return update;
  const content = update.content?.map((item) => {
    if (item.type !== "content" || item.content.type !== "text") return item;
    const all = redact(item.content.text);
    const text = all.length <= MOST_TOOL_TEXT ? all : `${all.slice(0, MOST_TOOL_TEXT)}\n[cut]`.toWellFormed();
    return { ...item, content: { ...item.content, text } };
  });
  return content === undefined ? update : { ...update, content };
}

/** Gathers and hands on to `out`, one at a time. `pieces` makes a redactor for a text that comes in pieces. */
export function streamUpdates(out: (update: SessionUpdate) => Promise<void>, pieces: () => RedactStream): UpdateStream {
  const told = pieces();
  const whole = pieces();
  const redact = (text: string) => whole.push(text) + whole.end();
  let kind: Chunk = "agent_message_chunk";
  let gathered = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let chain: Promise<void> = Promise.resolve();
  let going = 0;
  let sentMs = -Infinity;
  const put = (update: SessionUpdate) => {
    going += 1;
    sentMs = performance.now();
    return (chain = chain
      .then(() => out(update))
      .finally(() => {
        going -= 1;
        soon();
      }));
  };
  /** Sends what was gathered when it is time. */
  const soon = () => {
    if (gathered === "" || going > 0 || timer !== undefined) return;
    const wait = sentMs + GATHER_MS - performance.now();
    if (wait <= 0) void give();
    else timer = setTimeout(() => void give(), wait);
  };
  const give = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    for (let at = 0; at < gathered.length; at += MOST_TEXT) {
      const text = gathered.slice(at, at + MOST_TEXT);
      void put({ sessionUpdate: kind, content: { type: "text", text } });
    }
    gathered = "";
    return chain;
  };
  const flush = () => {
    gathered += told.end();
    return give();
  };
  return {
    send(update) {
      const chunk = chunkOf(update);
      if (chunk === undefined) {
        void flush();
        return put(bounded(update, redact));
      }
      if (chunk.kind !== kind) void flush();
      kind = chunk.kind;
      gathered += told.push(chunk.text);
      if (gathered.length >= MOST_TEXT) return give();
      soon();
      return chain;
    },
    flush,
  };
}
