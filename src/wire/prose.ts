// What a model says and thinks in a stream, as blocks: one open at a time, another kind begins the next one.

import type { Dialect } from "#src/core/dialects.ts";
import type { BlockKey, HubEvent } from "./canonical.ts";

export type ProseKind = "text" | "thinking";

/** Of white space before the first word: no answer begins with more, but a model that lost its way may say nothing else for as long as it is let. */
const MOST_BLANK = 64 * 1024;

export type Prose = {
  /** More of it; what is blank waits for something to read. */
  say(kind: ProseKind, text: string): HubEvent[];
  close(): HubEvent[];
  /** A key nothing else has. */
  newKey(kind: ProseKind): BlockKey;
  open(): { kind: ProseKind; key: BlockKey } | undefined;
};

/** For one stream. `origin` is who thinks; `before` is asked for what has to end when a block begins. */
export function makeProse(origin: Dialect | null, before: () => HubEvent[] = () => []): Prose {
  let current: { kind: ProseKind; key: BlockKey } | undefined;
  // Anthropic refuses blocks of nothing but white space when they come back, so one is begun only by something to read.
  let held: { kind: ProseKind; text: string } | undefined;
  let count = 0;

  const newKey = (kind: ProseKind) => `${kind}:${count++}`;
  const close = (): HubEvent[] => {
    const ended = current;
    current = undefined;
    return ended === undefined ? [] : [{ kind: "blockEnd", key: ended.key }];
  };
  return {
    newKey,
    close,
    open: () => current,
    say(kind, fresh) {
      if (fresh === "") return [];
      const text = held?.kind === kind ? held.text + fresh : fresh;
      const out: HubEvent[] = [];
      if (current?.kind !== kind) {
        // Only what is new is looked at: what is held is blank.
        if (fresh.trim() === "") {
          if (text.length <= MOST_BLANK) held = { kind, text };
          return [];
        }
        held = undefined;
        out.push(...close(), ...before());
        current = { kind, key: newKey(kind) };
        out.push({ kind: "blockStart", key: current.key, head: kind === "text" ? { kind } : { kind, origin } });
      }
      out.push({ kind: "delta", key: current.key, text });
      return out;
    },
  };
}
