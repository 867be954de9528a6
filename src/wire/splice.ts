// Edits a JSON body without writing it again: thinking signatures and prompt caches are bound to the exact bytes before them, so every byte
// that is not named stays as it was.

import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { skipObject, skipSpace } from "./scan.ts";

export type Scalar = string | number | boolean | null;
type Span = { start: number; end: number };

const decoder = new TextDecoder();
const encoder = new TextEncoder();

function text(body: Uint8Array, start: number, end: number): string {
  return decoder.decode(body.subarray(start, end));
}

type Members = { spans: Map<string, Span>; whole: Map<string, Span>; open: number; count: number };

/**
 * Where the values of the named top-level members are (`spans`), where the members themselves are with the comma that goes with them
 * (`whole`), where the object opens and how many members it has.
 */
function findMembers(body: Uint8Array, keys: Set<string>): Members {
  const open = skipSpace(body, 0);
  if (body[open] !== 0x7b) throw new BrokeError("usage", "the body is not a JSON object");
  const spans = new Map<string, Span>();
  const whole = new Map<string, Span>();
  let count = 0;
  let previousEnd = open + 1;
  let pending: { key: string; start: number; first: boolean } | undefined;
  const settle = (nextStart: number | undefined, memberEnd: number) => {
    if (pending === undefined) return;
    // The first member takes the comma behind it along, any other the one before it.
    whole.set(pending.key, { start: pending.start, end: pending.first ? (nextStart ?? memberEnd) : memberEnd });
    pending = undefined;
  };
  const end = skipObject(body, open, 1, (keyStart, keyEnd, start, valueEnd) => {
    settle(keyStart, previousEnd);
    const first = count++ === 0;
    // A key may be spelled with escapes; only its meaning counts.
    const key = JSON.parse(text(body, keyStart, keyEnd)) as string;
    if (keys.has(key)) {
      if (spans.has(key)) throw new BrokeError("usage", `the body has two members named ${key}`);
      spans.set(key, { start, end: valueEnd });
      pending = { key, start: first ? keyStart : previousEnd, first };
    }
    previousEnd = valueEnd;
  });
  settle(undefined, previousEnd);
  if (skipSpace(body, end) !== body.length) throw new BrokeError("usage", "the body is not well-formed JSON");
  return { spans, whole, open, count };
}

/**
 * The scalar values of top-level members; absent when the member is absent, or is an object or array. Throws `usage` when the body is not a
 * well-formed JSON object or has one of the keys twice: then two readers could see two different values.
 */
export function readTopLevel<Key extends string>(body: Uint8Array, keys: readonly Key[]): { [name in Key]?: Scalar } {
  const found: { [name in Key]?: Scalar } = {};
  const { spans } = findMembers(body, new Set(keys));
  for (const key of keys) {
    const span = spans.get(key);
    if (span === undefined) continue;
    const first = body[span.start];
    if (first !== 0x7b && first !== 0x5b) found[key] = JSON.parse(text(body, span.start, span.end)) as Scalar;
  }
  return found;
}

/** One top-level member's whole value, absent when the member is. Throws `usage` as `readTopLevel` does. */
export function readMember(body: Uint8Array, key: string): Json | undefined {
  const span = findMembers(body, new Set([key])).spans.get(key);
  return span === undefined ? undefined : (JSON.parse(text(body, span.start, span.end)) as Json);
}

/** What a request is about where its body says it. Throws `usage`. */
export function readBodyHead(body: Uint8Array): { model: string; stream: boolean } {
  const { model, stream } = readTopLevel(body, ["model", "stream"]);
  if (typeof model !== "string") throw new BrokeError("usage", "model must be a string");
  if (stream !== undefined && stream !== null && typeof stream !== "boolean") {
    throw new BrokeError("usage", "stream must be a boolean");
  }
  return { model, stream: stream === true };
}

/** A change of bytes: those from `start` to `end` become these. */
export type Change = { start: number; end: number; bytes: Uint8Array };

/** A copy of the body with the changes made. They must not overlap. */
export function applyChanges(body: Uint8Array, changes: readonly Change[]): Uint8Array<ArrayBuffer> {
  const sorted = changes.toSorted((a, b) => a.start - b.start || a.end - b.end);
  const length = sorted.reduce((sum, change) => sum + change.bytes.length - (change.end - change.start), body.length);
  const out = new Uint8Array(length);
  let from = 0;
  let to = 0;
  for (const change of sorted) {
    out.set(body.subarray(from, change.start), to);
    to += change.start - from;
    out.set(change.bytes, to);
    to += change.bytes.length;
    from = change.end;
  }
  out.set(body.subarray(from), to);
  return out;
}

/**
 * A copy of the body with the values of the named top-level members replaced; members that were absent are put first, `undefined` takes one
 * out. Throws `usage` as `readTopLevel` does. At most one member may be taken out.
 */
export function spliceTopLevel(body: Uint8Array, edits: Record<string, Json | undefined>): Uint8Array<ArrayBuffer> {
  const keys = Object.keys(edits);
  const { spans, whole, open, count } = findMembers(body, new Set(keys));
  const changes: Change[] = [];
  const added: string[] = [];
  for (const key of keys) {
    const value = edits[key];
    const span = spans.get(key);
    if (value === undefined) {
      const member = whole.get(key);
      if (member !== undefined) changes.push({ ...member, bytes: new Uint8Array(0) });
    } else if (span === undefined) added.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`);
    else changes.push({ ...span, bytes: encoder.encode(JSON.stringify(value)) });
  }
  if (added.length > 0) {
    const first = added.join(",");
    const alone = count === keys.filter((key) => edits[key] === undefined && spans.has(key)).length;
    changes.push({ start: open + 1, end: open + 1, bytes: encoder.encode(alone ? first : `${first},`) });
  }
  return applyChanges(body, changes);
}
