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

type Member = { keyStart: number; keyEnd: number; start: number; end: number };
type TopLevel = { open: number; members: Member[] };

/** A body is read for its model, and again for every span that is spliced: it is scanned for all of them once. A body never changes. */
const scanned = new WeakMap<Uint8Array, TopLevel>();

function scan(body: Uint8Array): TopLevel {
  const known = scanned.get(body);
  if (known !== undefined) return known;
  const open = skipSpace(body, 0);
  if (body[open] !== 0x7b) throw new BrokeError("usage", "the body is not a JSON object");
  const members: Member[] = [];
  const end = skipObject(body, open, 1, (keyStart, keyEnd, start, valueEnd) => {
    members.push({ keyStart, keyEnd, start, end: valueEnd });
  });
  if (skipSpace(body, end) !== body.length) throw new BrokeError("usage", "the body is not well-formed JSON");
  const top = { open, members };
  scanned.set(body, top);
  return top;
}

/** Whether a member has this name, which is in ASCII. A key may be spelled with escapes; only its meaning counts. */
function isNamed(body: Uint8Array, { keyStart, keyEnd }: Member, name: string): boolean {
  let same = keyEnd - keyStart - 2 === name.length;
  for (let at = keyStart + 1; at < keyEnd - 1; at++) {
    const byte = body[at];
    if (byte === 0x5c) return JSON.parse(text(body, keyStart, keyEnd)) === name;
    if (byte !== name.charCodeAt(at - keyStart - 1)) same = false;
  }
  return same;
}

type Members = { spans: Map<string, Span>; whole: Map<string, Span>; open: number; count: number };

/**
 * Where the values of the named top-level members are (`spans`), where the members themselves are with the comma that goes with them
 * (`whole`), where the object opens and how many members it has.
 */
function findMembers(body: Uint8Array, keys: readonly string[]): Members {
  const { open, members } = scan(body);
  const spans = new Map<string, Span>();
  const whole = new Map<string, Span>();
  members.forEach((member, index) => {
    const key = keys.find((name) => isNamed(body, member, name));
    if (key === undefined) return;
    if (spans.has(key)) throw new BrokeError("usage", `the body has two members named ${key}`);
    const { keyStart, start, end } = member;
    spans.set(key, { start, end });
    // The first member takes the comma behind it along, any other the one before it.
    const before = members[index - 1];
    whole.set(
      key,
      before === undefined ? { start: keyStart, end: members[1]?.keyStart ?? end } : { start: before.end, end },
    );
  });
  return { spans, whole, open, count: members.length };
}

/**
 * The scalar values of top-level members; absent when the member is absent, or is an object or array. Throws `usage` when the body is not a
 * well-formed JSON object or has one of the keys twice: then two readers could see two different values.
 */
export function readTopLevel<Key extends string>(body: Uint8Array, keys: readonly Key[]): { [name in Key]?: Scalar } {
  const found: { [name in Key]?: Scalar } = {};
  const { spans } = findMembers(body, keys);
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
  const span = findMembers(body, [key]).spans.get(key);
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
  const { spans, whole, open, count } = findMembers(body, keys);
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
