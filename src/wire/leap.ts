// Finds the members of an object in JSON that is known to be well-formed: strings are leapt over by the system's own search, so that a long body costs
// a seventh of reading its grammar. On anything else the answer means nothing: only what a parser has accepted may come here.

import { BrokeError } from "#src/core/errors.ts";
import { nextByte } from "./near.ts";
import { MAX_DEPTH, skipSpace, type Visit } from "./scan.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;

/** `at` is the opening quote; the position after the closing one. */
export function leapString(bytes: Buffer, at: number): number {
  for (let end = nextByte(bytes, QUOTE, at + 1); ; end = nextByte(bytes, QUOTE, end + 1)) {
    let escapes = 0;
    while (bytes[end - 1 - escapes] === BACKSLASH) escapes++;
    // The end of all, in what is no JSON: there is no next one to look for.
    if (escapes % 2 === 0 || end === bytes.length) return end + 1;
  }
}

const opens = (byte: number | undefined) => byte === 0x7b || byte === 0x5b;
const closes = (byte: number | undefined) => byte === 0x7d || byte === 0x5d;

/** The position after the value at `at`, which is `outer` deep. Throws `usage` when it is nested too deeply. */
export function leapValue(bytes: Buffer, at: number, outer: number): number {
  let depth = 0;
  for (let here = at; here < bytes.length;) {
    const byte = bytes[here];
    if (byte === QUOTE) {
      here = leapString(bytes, here);
      if (depth === 0) return here;
      continue;
    }
    if (closes(byte) || (byte === COMMA && depth === 0)) {
      // The end of a number or a word: what follows is not its own.
      if (depth === 0) return here;
      depth -= 1;
      if (depth === 0) return here + 1;
    } else if (opens(byte)) {
      depth += 1;
      if (outer + depth > MAX_DEPTH) throw new BrokeError("usage", "the body is nested too deeply");
    }
    here += 1;
  }
  return bytes.length;
}

/** Visits the members of the object that opens at `at`. */
export function leapMembers(bytes: Buffer, at: number, visit: Visit): void {
  let here = skipSpace(bytes, at + 1);
  while (bytes[here] === QUOTE) {
    const keyEnd = leapString(bytes, here);
    const start = skipSpace(bytes, nextByte(bytes, COLON, keyEnd) + 1);
    const after = leapValue(bytes, start, 1);
    let end = after;
    while (bytes[end - 1]! <= 0x20) end -= 1;
    visit(here, keyEnd, start, end);
    here = skipSpace(bytes, skipSpace(bytes, after) + 1);
  }
}
