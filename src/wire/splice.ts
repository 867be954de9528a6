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

/** Where the values of the named top-level members are, and where the object opens and whether it has members. */
function findMembers(body: Uint8Array, keys: Set<string>): { spans: Map<string, Span>; open: number; empty: boolean } {
  const open = skipSpace(body, 0);
  if (body[open] !== 0x7b) throw new BrokeError("usage", "the body is not a JSON object");
  const spans = new Map<string, Span>();
  let empty = true;
  const end = skipObject(body, open, 1, (keyStart, keyEnd, start, valueEnd) => {
    empty = false;
    // A key may be spelled with escapes; only its meaning counts.
    const key = JSON.parse(text(body, keyStart, keyEnd)) as string;
    if (!keys.has(key)) return;
    if (spans.has(key)) throw new BrokeError("usage", `the body has two members named ${key}`);
    spans.set(key, { start, end: valueEnd });
  });
  if (skipSpace(body, end) !== body.length) throw new BrokeError("usage", "the body is not well-formed JSON");
  return { spans, open, empty };
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

/**
 * A copy of the body with the values of the named top-level members replaced; members that were absent are put first. Throws `usage` as
 * `readTopLevel` does.
 */
export function spliceTopLevel(body: Uint8Array, edits: Record<string, Json>): Uint8Array<ArrayBuffer> {
  const keys = Object.keys(edits);
  const { spans, open, empty } = findMembers(body, new Set(keys));
  const added = keys
    .filter((key) => !spans.has(key))
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(edits[key])}`)
    .join(",");
  const changes = [...spans].map(([key, span]) => ({ ...span, bytes: encoder.encode(JSON.stringify(edits[key])) }));
  if (added !== "") {
    changes.push({ start: open + 1, end: open + 1, bytes: encoder.encode(empty ? added : `${added},`) });
  }
  changes.sort((a, b) => a.start - b.start);

  const length = changes.reduce((sum, change) => sum + change.bytes.length - (change.end - change.start), body.length);
  const out = new Uint8Array(length);
  let from = 0;
  let to = 0;
  for (const change of changes) {
    out.set(body.subarray(from, change.start), to);
    to += change.start - from;
    out.set(change.bytes, to);
    to += change.bytes.length;
    from = change.end;
  }
  out.set(body.subarray(from), to);
  return out;
}
