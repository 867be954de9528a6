// Events of a stream that are alike but for one text, as nearly all are: once one of them was parsed, the text is read from between what they share.
// Anything that differs elsewhere is for the parser; what is read here is what a parser would have read.

import { type Json, parseJson } from "#src/core/json.ts";

/** What is no text of its own between quotes: it has to be parsed, or it ends there. */
const SPECIAL = /["\\\u0000-\u001f]/;
const QUOTE = 0x22;

/** What is put in the text's place to see that it is the text: a word, so that it is JSON only where a whole string stands. */
const PROBE = "probe";
const PROBE_JSON = JSON.stringify(PROBE);

/** How often is learnt from an event in vain: those of some providers differ in more than their text. */
const TRIES = 4;
/** After this many events that were alike it is worth learning once more. */
const WORTH = 8;

export type AlikeReader = {
  /** The text of an event that is alike; undefined for any other. */
  read(data: string): string | undefined;
  /** Learns from an event with this text. */
  learn(data: string, text: string): void;
};

/** A reader for one stream. `textOf` is the text of an event that tells nothing else, undefined where it tells more. */
export function makeAlikeReader(textOf: (body: Json | undefined) => string | undefined): AlikeReader {
  let before: string | undefined;
  let after = "";
  let tries = TRIES;
  let hits = 0;
  return {
    read(data) {
      if (before === undefined || data.length < before.length + after.length + 2) return undefined;
      if (!data.startsWith(before) || !data.endsWith(after)) return undefined;
      const [start, end] = [before.length, data.length - after.length];
      if (data.charCodeAt(start) !== QUOTE || data.charCodeAt(end - 1) !== QUOTE) return undefined;
      const plain = data.slice(start + 1, end - 1);
      const text = SPECIAL.test(plain) ? parseJson(data.slice(start, end)) : plain;
      if (typeof text !== "string") return undefined;
      hits += 1;
      return text;
    },
    learn(data, text) {
      if (hits >= WORTH) tries = TRIES;
      if (tries === 0) return;
      tries -= 1;
      hits = 0;
      const said = JSON.stringify(text);
      const at = data.lastIndexOf(said);
      if (at < 0) return;
      const [head, tail] = [data.slice(0, at), data.slice(at + said.length)];
      if (textOf(parseJson(head + PROBE_JSON + tail)) !== PROBE) return;
      before = head;
      after = tail;
    },
  };
}
