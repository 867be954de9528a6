// What was said in a session in words, for a client that was not there. Bounded to its last part; the person's words and the answers, without what
// tools said. Pure.

import type { StoredSession } from "./store.ts";

const MOST_BYTES = 64 * 1024;

type Said = { who: "user" | "assistant"; text: string };

function saidBy(entry: StoredSession["lines"][number]): Said[] {
  if (entry.kind === "prompt") {
    const words = entry.blocks.flatMap((block) =>
      block.type === "text" ? [String(block["text"])] : [`[${block.type}]`],
    );
    return [{ who: "user", text: words.join("\n") }];
  }
  if (entry.kind !== "update" || entry.update.sessionUpdate !== "agent_message_chunk") return [];
  const content = (entry.update as { content?: { text?: unknown } }).content;
  return typeof content?.text === "string" ? [{ who: "assistant", text: content.text }] : [];
}

/** The words, one paragraph a speaker. */
export function wordsOf(lines: StoredSession["lines"]): string {
  const paragraphs: Said[] = [];
  for (const said of lines.flatMap(saidBy)) {
    const last = paragraphs.at(-1);
    if (last?.who === said.who) last.text += said.text;
    else paragraphs.push({ ...said });
  }
  const text = paragraphs.map(({ who, text }) => `${who}: ${text}\n\n`).join("");
  return text.length > MOST_BYTES ? text.slice(-MOST_BYTES) : text;
}
