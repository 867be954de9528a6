// Finds the end of JSON values in bytes without building them: the whole grammar of RFC 8259, in one pass. Anything else is refused, so that
// what is read here and what a provider reads cannot differ.

import { BrokeError } from "#src/core/errors.ts";

/** How deep a body may be nested. */
export const MAX_DEPTH = 512;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const WORDS: Record<number, string> = { 0x74: "true", 0x66: "false", 0x6e: "null" };
const ESCAPABLE = new Set([...'"\\/bfnrt'].map((char) => char.charCodeAt(0)));

/** What is refused here, in one word for all of it. */
export function malformed(): BrokeError {
  return new BrokeError("usage", "the body is not well-formed JSON");
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isHex(byte: number | undefined): boolean {
  return isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

/** The first position at or after `at` that is not white space. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  let here = at;
  for (;;) {
    const byte = bytes[here];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return here;
    here++;
  }
}

/** `at` is the opening backslash; the position after the escape. Throws `usage` when there is no such escape. */
export function skipEscape(bytes: Uint8Array, at: number): number {
  const escape = bytes[at + 1];
  if (escape === 0x75) {
    for (let digit = 2; digit < 6; digit++) if (!isHex(bytes[at + digit])) throw malformed();
    return at + 6;
  }
  if (escape === undefined || !ESCAPABLE.has(escape)) throw malformed();
  return at + 2;
}

/** `at` is the opening quote; the position after the closing one. */
export function skipString(bytes: Uint8Array, at: number): number {
  let here = at + 1;
  for (;;) {
    const byte = bytes[here];
    if (byte === QUOTE) return here + 1;
    if (byte === undefined || byte < 0x20) throw malformed();
    here = byte === BACKSLASH ? skipEscape(bytes, here) : here + 1;
  }
}

/** Finds the end of a string: `at` is the opening quote. Throws `usage` when it is malformed. */
export type SkipString = (bytes: Uint8Array, at: number) => number;

function skipDigits(bytes: Uint8Array, at: number): number {
  if (!isDigit(bytes[at])) throw malformed();
  let here = at + 1;
  while (isDigit(bytes[here])) here++;
  return here;
}

function skipNumber(bytes: Uint8Array, at: number): number {
  const first = bytes[at] === 0x2d ? at + 1 : at;
  let here = bytes[first] === 0x30 ? first + 1 : skipDigits(bytes, first);
  if (bytes[here] === 0x2e) here = skipDigits(bytes, here + 1);
  if (((bytes[here] ?? 0) | 0x20) === 0x65) {
    const sign = bytes[here + 1];
    here = skipDigits(bytes, sign === 0x2b || sign === 0x2d ? here + 2 : here + 1);
  }
  return here;
}

function skipWord(bytes: Uint8Array, at: number): number {
  const word = WORDS[bytes[at] ?? 0];
  if (word === undefined) throw malformed();
  for (let index = 1; index < word.length; index++) {
    if (bytes[at + index] !== word.charCodeAt(index)) throw malformed();
  }
  return at + word.length;
}

/** Called with the bounds of one member of an object: key with its quotes, value without white space around it. */
export type Visit = (keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void;

/** Called with the bounds of one element of an array, without white space around it. */
export type VisitElement = (start: number, end: number) => void;

/** `at` is the opening bracket; the position after the closing one. Throws `usage` when malformed or nested beyond 512. */
export function skipArray(
  bytes: Uint8Array,
  at: number,
  depth: number,
  visit?: VisitElement,
  strings: SkipString = skipString,
): number {
  let here = skipSpace(bytes, at + 1);
  if (bytes[here] === CLOSE_ARRAY) return here + 1;
  for (;;) {
    const end = skipValue(bytes, here, depth, strings);
    visit?.(here, end);
    here = skipSpace(bytes, end);
    if (bytes[here] === CLOSE_ARRAY) return here + 1;
    if (bytes[here] !== COMMA) throw malformed();
    here = skipSpace(bytes, here + 1);
  }
}

/** `at` is the opening brace; the position after the closing one. Throws `usage` when malformed or nested beyond 512. */
export function skipObject(
  bytes: Uint8Array,
  at: number,
  depth: number,
  visit?: Visit,
  strings: SkipString = skipString,
): number {
  let here = skipSpace(bytes, at + 1);
  if (bytes[here] === CLOSE_OBJECT) return here + 1;
  for (;;) {
    if (bytes[here] !== QUOTE) throw malformed();
    const keyStart = here;
    const keyEnd = strings(bytes, here);
    here = skipSpace(bytes, keyEnd);
    if (bytes[here] !== COLON) throw malformed();
    const valueStart = skipSpace(bytes, here + 1);
    const valueEnd = skipValue(bytes, valueStart, depth, strings);
    visit?.(keyStart, keyEnd, valueStart, valueEnd);
    here = skipSpace(bytes, valueEnd);
    if (bytes[here] === CLOSE_OBJECT) return here + 1;
    if (bytes[here] !== COMMA) throw malformed();
    here = skipSpace(bytes, here + 1);
  }
}

function skipValue(bytes: Uint8Array, at: number, depth: number, strings: SkipString): number {
  const byte = bytes[at];
  if (byte === QUOTE) return strings(bytes, at);
  if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
    if (depth >= MAX_DEPTH) throw new BrokeError("usage", "the body is nested too deeply");
    const inside = byte === OPEN_OBJECT ? skipObject : skipArray;
    return inside(bytes, at, depth + 1, undefined, strings);
  }
  return byte === 0x2d || isDigit(byte) ? skipNumber(bytes, at) : skipWord(bytes, at);
}
