// The redactor for text that comes in pieces, wherever they are cut: what may be the beginning of a secret is held back until it shows whether it is one,
// everything else goes on at once. What comes out is what the redactor makes of the whole.
// Does not stop: a secret that has not shown itself within so much text (MOST_HELD) from its beginning; one that something else stands in the middle of.

import {
  ASSIGNED,
  KEY_BEGUN,
  KEY_END,
  KEY_END_LENGTH,
  SECRET_SHAPES,
  type Shape,
  URL_USERINFO,
} from "./secret-shapes.ts";

/** In characters; more than the longest value that is known is held in any case. */
const MOST_HELD = 4 * 1024;

export type RedactStream = {
  /** What of the text so far can be told, without what was told before. */
  push(piece: string): string;
  /** The rest: nothing more will come. It can be used again. */
  end(): string;
};

/** A secret that was told of already and goes on: up to this, or up to a key's end. */
type Swallow = { kind: "until"; rest: RegExp } | { kind: "key"; tail: string };

/** Looked through at once, so that a text of nothing but beginnings costs no more than its length. */
const PIECE = 16 * 1024;
/** Stands for the last character that was let go, where a word may go on: no secret begins with it. */
const WITHIN_WORD = "_";

const shapes: readonly Shape[] = [...SECRET_SHAPES, URL_USERINFO];

/** Where the longest end of the text stands that one of the values begins with, and is not. */
function begunValue(text: string, values: Iterable<string>): number {
  let first = text.length;
  for (const value of values) {
    for (let length = Math.min(value.length - 1, text.length); length > text.length - first; length--) {
      if (!text.endsWith(value.slice(0, length))) continue;
      first = text.length - length;
      break;
    }
  }
  return first;
}

function* wholeIn(text: string, values: Iterable<string>, used: readonly Shape[]): Generator<[number, number]> {
  for (const value of values)
    for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + 1)) yield [at, at + value.length];
  for (const { whole } of used)
    for (const match of text.matchAll(whole)) yield [match.index, match.index + match[0].length];
}

/** A place in the text that is in no secret that is whole, at or before one. */
function beforeWhole(text: string, at: number, values: Iterable<string>, used: readonly Shape[]): number {
  const found = [...wholeIn(text, values, used)];
  for (let to = at; ;) {
    const [start] = found.find(([from, over]) => from < to && to < over) ?? [];
    if (start === undefined) return to;
    to = start;
  }
}

/** The first secret that ends where the text does and may go on. */
function openAt(text: string, used: readonly Shape[]): Swallow | undefined {
  const found = used.flatMap(({ open }): { at: number; swallow: Swallow }[] => {
    const at = open === undefined ? -1 : text.search(open.at);
    return at === -1 ? [] : [{ at, swallow: { kind: "until", rest: open!.rest } }];
  });
  const key = KEY_BEGUN.exec(text);
  if (key !== null) found.push({ at: key.index, swallow: { kind: "key", tail: key[0].slice(-KEY_END_LENGTH) } });
  return found.toSorted((a, b) => a.at - b.at)[0]?.swallow;
}

/** `redact` is told what is let go; `values` are those it knows, `assigned` whether it looks for what is assigned to a name. */
export function redactStream(
  redact: (text: string) => string,
  values: ReadonlySet<string>,
  assigned: boolean,
): RedactStream {
  const used = assigned ? [...shapes, ASSIGNED] : shapes;
  let before = "";
  let held = "";
  let swallow: Swallow | undefined;

  /** Without what goes on of a secret that was told of. */
  const rid = (piece: string): string => {
    if (swallow === undefined) return piece;
    if (swallow.kind === "until") {
      const rest = piece.search(swallow.rest);
      if (rest === -1) return "";
      swallow = undefined;
      return piece.slice(rest);
    }
    const text = swallow.tail + piece;
    const end = KEY_END.exec(text);
    swallow = end === null ? { kind: "key", tail: text.slice(-KEY_END_LENGTH) } : undefined;
    return end === null ? "" : text.slice(end.index + end[0].length);
  };
  /** Lets go of the text before a place. */
  const letGo = (text: string, to: number): string => {
    const told = redact(before + text.slice(0, to));
    const mine = told.startsWith(before) ? told.slice(before.length) : told;
    if (to > 0) before = /\w/.test(text[to - 1]!) ? WITHIN_WORD : "";
    held = text.slice(to);
    return mine;
  };
  const push = (piece: string): string => {
    const text = held + rid(piece);
    if (text === held) return "";
    const most = Math.max(MOST_HELD, ...Array.from(values, ({ length }) => length));
    const from = Math.max(0, text.length - most);
    const end = (from === 0 ? before : "") + text.slice(from);
    const shift = end.length - text.length;
    const starts = used.map(({ begun }) => end.search(begun)).filter((at) => at !== -1);
    const begun = Math.min(begunValue(text, values), ...starts.map((at) => Math.max(0, at - shift)));
    const to = begun === text.length ? begun : beforeWhole(text, begun, values, used);
    if (to < text.length && text.length - to <= most) return letGo(text, to);
    // Nothing has begun; or what has takes too long.
    const open = openAt(before + text, used);
    const told = letGo(text, text.length);
    swallow = open;
    return told;
  };
  return {
    push(piece) {
      let told = "";
      for (let at = 0; at < piece.length; at += PIECE) told += push(piece.slice(at, at + PIECE));
      return told;
    },
    end() {
      const told = held === "" ? "" : letGo(held, held.length);
      before = "";
      swallow = undefined;
      return told;
    },
  };
}
