// Values of a body's members that are no objects and no lists, and what they are written as. The same few come with every request: to compare the bytes of
// a name costs less than to read it, and its bytes are written once.

import type { Json } from "#src/core/json.ts";
import { makeMemo } from "#src/core/memo.ts";

export type Scalar = string | number | boolean | null;

const QUOTE = 0x22;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const SMALL_T = 0x74;
const SMALL_F = 0x66;
const SMALL_N = 0x6e;
/** Names of models and the like are shorter; what is longer is not kept. */
const LONGEST_KEPT = 64;
const PLACES = 64;
const MOST_WRITTEN = 256;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

const parsed = (body: Uint8Array, start: number, end: number) =>
  JSON.parse(decoder.decode(body.subarray(start, end))) as Json;

/** Strings that were read, in a place for each length and last letter. */
const read: ({ bytes: Uint8Array; value: string } | undefined)[] = Array.from({ length: PLACES });

function isSame(body: Uint8Array, start: number, known: Uint8Array): boolean {
  for (let at = 0; at < known.length; at++) if (body[start + at] !== known[at]) return false;
  return true;
}

function readString(body: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length > LONGEST_KEPT) return parsed(body, start, end) as string;
  const place = (length * 31 + body[end - 2]!) % PLACES;
  const known = read[place];
  if (known?.bytes.length === length && isSame(body, start, known.bytes)) return known.value;
  const value = parsed(body, start, end) as string;
  // A copy: a slice of a Buffer would keep the whole body.
  read[place] = { bytes: new Uint8Array(body.subarray(start, end)), value };
  return value;
}

/** The value from `start` to `end`, whose grammar was read before; undefined for an object or a list. */
export function readScalar(body: Uint8Array, start: number, end: number): Scalar | undefined {
  switch (body[start]) {
    case QUOTE:
      return readString(body, start, end);
    case OPEN_OBJECT:
    case OPEN_ARRAY:
      return undefined;
    case SMALL_T:
      return true;
    case SMALL_F:
      return false;
    case SMALL_N:
      return null;
    default:
      return parsed(body, start, end) as number;
  }
}

const written = makeMemo<Uint8Array>(MOST_WRITTEN);
const write = (value: Json) => encoder.encode(JSON.stringify(value));

/** A value as it is written. */
export function bytesOf(value: Json): Uint8Array {
  const isKept = typeof value === "string" && value.length <= LONGEST_KEPT;
  return isKept ? written(value, () => write(value)) : write(value);
}
