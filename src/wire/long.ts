// Strings of a long JSON body, read in leaps from quote to quote by the system's own search and checked on the way: the same strings that `scan.ts`
// accepts, provided that no byte of the body is a control character, which is found out first, four bytes at a time.

import { nextByte } from "./near.ts";
import { malformed, skipEscape, type SkipString } from "./scan.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACES = 0x20202020;
/** Below this there may be no whole word. */
const WORDS_FROM = 8;
const HIGH_BITS = 0x80808080;

/** Whether there is a byte below 0x20, white space between members included: bodies of the real clients have none. */
export function hasControl(bytes: Uint8Array): boolean {
  const isControl = (byte: number) => byte < 0x20;
  if (bytes.length < WORDS_FROM) return bytes.some(isControl);
  const before = (4 - (bytes.byteOffset % 4)) % 4;
  const words = (bytes.length - before) >> 2;
  const view = new Int32Array(bytes.buffer, bytes.byteOffset + before, words);
  let below = 0;
  // A byte below 0x20 borrows when 0x20 is taken from it. What it borrows may make the byte above look the same, which is no matter: one is there.
  for (let at = 0; at < words; at++) below |= (view[at]! - SPACES) & ~view[at]!;
  if ((below & HIGH_BITS) !== 0) return true;
  return bytes.subarray(0, before).some(isControl) || bytes.subarray(before + words * 4).some(isControl);
}

/** For one body without control characters, whose strings are asked for in their order. */
export function leapingStrings(bytes: Buffer): SkipString {
  /** The first backslash that was not passed. */
  let escape = nextByte(bytes, BACKSLASH, 0);
  return (_, at) => {
    let end = nextByte(bytes, QUOTE, at + 1);
    while (escape < end) {
      const after = skipEscape(bytes, escape);
      if (end < after) end = nextByte(bytes, QUOTE, after);
      escape = nextByte(bytes, BACKSLASH, after);
    }
    if (end === bytes.length) throw malformed();
    return end + 1;
  };
}
