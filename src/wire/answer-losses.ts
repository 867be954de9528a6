// What an answer loses on its way to a client of another dialect: whatever is neither text nor thinking nor a call. Kinds only, never their contents;
// and the words that stand for it where nothing else is left of the answer.
// Does not stop: a provider from naming a kind of its own, of which no more than a plain word is taken over.

import type { CanonicalResponse, HubEvent } from "./canonical.ts";
import type { StreamDecoder } from "./dialect.ts";
import { LEFT_OUT, type Loss } from "./losses.ts";

const WHY = "of an answer text, thinking and calls are carried";

/** A provider's own word for a kind of content. */
const PLAIN_WORD = /^[A-Za-z0-9_.-]{1,64}$/;
/** Many more than there are; a provider could think up new ones for as long as it streams. */
const MOST_KINDS = 32;

/** Whether something is there: providers send empty lists and objects for none. */
export function holds(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return Boolean(value);
  return Object.keys(value).length > 0;
}

/** Adds a kind of content, once. `path` is where it stands in the provider's answer, `what` our word or the provider's. */
export function loseOfAnswer(losses: Loss[], path: string, what: string): void {
  const kind = PLAIN_WORD.test(what) ? what : "unknown content";
  if (losses.length >= MOST_KINDS || losses.some((loss) => loss.what === kind)) return;
  losses.push({ path, what: kind, why: WHY });
}

/** What stands for them. */
function standIn(losses: readonly Loss[]): string {
  return losses.some(({ what }) => what === "image") ? LEFT_OUT.image : LEFT_OUT.content;
}

/** The answer; where nothing but thinking is left of it, with words for what it lost: an empty one looks like a model that said nothing. */
export function sayLost(response: CanonicalResponse): CanonicalResponse {
  const { blocks, losses = [] } = response;
  if (losses.length === 0 || blocks.some(({ kind }) => kind !== "thinking")) return response;
  return { ...response, blocks: [...blocks, { kind: "text", text: standIn(losses) }] };
}

/** The same for a stream. */
export function sayLostStream(inner: StreamDecoder): StreamDecoder {
  const { losses = [] } = inner;
  let said = false;
  const run = (events: HubEvent[]): HubEvent[] => {
    if (said) return events;
    said = events.some((event) => event.kind === "blockStart" && event.head.kind !== "thinking");
    const last = events.at(-1);
    if (said || last?.kind !== "stop" || losses.length === 0) return events;
    const key = "left out";
    return [
      ...events.slice(0, -1),
      { kind: "blockStart", key, head: { kind: "text" } },
      { kind: "delta", key, text: standIn(losses) },
      { kind: "blockEnd", key },
      last,
    ];
  };
  return { ...inner, push: (event) => run(inner.push(event)), end: () => run(inner.end()) };
}
