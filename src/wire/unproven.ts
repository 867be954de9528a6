// Whether thinking without its proof may be in a body: told from its bytes, so that a history in which all of it is signed, as nearly all are, is not
// walked through. Each one is looked at by itself: what else the body says cannot hide it.
// Does not stop: a type, a name or a seal that is spelt with escapes. No client writes so.

import { leapString, leapValue } from "./leap.ts";
import { skipSpace } from "./scan.ts";
import { SEAL_SIGN } from "./seal.ts";

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const TYPE = '"type"';

/** Whether the text stands at this place. */
function stands(bytes: Buffer, text: string, at: number): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text.charCodeAt(index)) return false;
  return true;
}

/** Whether a member behind `from`, a place behind a value of the same object, is a text of this name that is neither empty nor sealed by us. */
function isProven(bytes: Buffer, from: number, quoted: string): boolean {
  for (let here = skipSpace(bytes, from); bytes[here] === COMMA;) {
    const key = skipSpace(bytes, here + 1);
    const value = skipSpace(bytes, skipSpace(bytes, leapString(bytes, key)) + 1);
    if (stands(bytes, quoted, key)) {
      return bytes[value] === QUOTE && bytes[value + 1] !== QUOTE && !stands(bytes, SEAL_SIGN, value);
    }
    here = skipSpace(bytes, leapValue(bytes, value, 0));
  }
  return false;
}

/** The last position at or before `at` that is not white space. */
function skipSpaceBack(bytes: Buffer, at: number): number {
  let here = at;
  while (bytes[here]! <= 0x20) here--;
  return here;
}

/** Whether the value of a member named `type` begins here. */
function isType(bytes: Buffer, at: number): boolean {
  const colon = skipSpaceBack(bytes, at - 1);
  return bytes[colon] === COLON && stands(bytes, TYPE, skipSpaceBack(bytes, colon - 1) + 1 - TYPE.length);
}

/**
 * Whether there may be an object whose type is `type` and whose member `proof`, where it has one, is none of its provider's own making. True for some that
 * are proven; never false where there is one that is not. The body must be well-formed.
 */
export function mayBeUnproven(bytes: Buffer, type: string, proof: string): boolean {
  const quotedType = JSON.stringify(type);
  const quotedProof = JSON.stringify(proof);
  for (let at = bytes.indexOf(quotedType); at >= 0; at = bytes.indexOf(quotedType, at + quotedType.length)) {
    if (isType(bytes, at) && !isProven(bytes, at + quotedType.length, quotedProof)) return true;
  }
  return false;
}
