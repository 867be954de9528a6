// Edits of a JSON body that leave every other byte as it was: thinking signatures are bound to the exact bytes before them, so a body that is
// parsed and written again is another body. Only the values of named top-level members are replaced or read.

import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

type Span = { key: string; start: number; end: number };

function malformed(): never {
  throw new BrokeError("usage", "the body is not a JSON object");
}

const isSpace = (byte: number | undefined) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

function skipSpace(body: Uint8Array, at: number): number {
  while (isSpace(body[at])) at++;
  return at;
}

/** Index after the closing quote of the string that starts at `at`. Uses indexOf, so long strings cost what memchr costs. */
function skipString(body: Uint8Array, at: number): number {
  for (let from = at + 1; ;) {
    const end = body.indexOf(QUOTE, from);
    if (end === -1) malformed();
    let slashes = 0;
    while (body[end - 1 - slashes] === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
    from = end + 1;
  }
}

function skipValue(body: Uint8Array, at: number): number {
  const first = body[at];
  if (first === QUOTE) return skipString(body, at);
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
    let depth = 0;
    for (let index = at; index < body.length;) {
      const byte = body[index];
      if (byte === QUOTE) {
        index = skipString(body, index);
        continue;
      }
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        depth--;
        if (depth === 0) return index + 1;
      }
      index++;
    }
    malformed();
  }
  let index = at;
  while (index < body.length && body[index] !== COMMA && body[index] !== CLOSE_OBJECT && !isSpace(body[index])) index++;
  if (index === at) malformed();
  return index;
}

function text(body: Uint8Array, start: number, end: number): Json {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body.subarray(start, end))) as Json;
  } catch {
    return malformed();
  }
}

function members(body: Uint8Array): Span[] {
  let at = skipSpace(body, 0);
  if (body[at] !== OPEN_OBJECT) malformed();
  at = skipSpace(body, at + 1);
  const spans: Span[] = [];
  if (body[at] === CLOSE_OBJECT) at++;
  else {
    for (;;) {
      if (body[at] !== QUOTE) malformed();
      const keyEnd = skipString(body, at);
      // Parsed, not compared as bytes: "mod\u0065l" is the member `model` to every provider.
      const key = text(body, at, keyEnd) as string;
      at = skipSpace(body, keyEnd);
      if (body[at] !== COLON) malformed();
      const start = skipSpace(body, at + 1);
      const end = skipValue(body, start);
      spans.push({ key, start, end });
      at = skipSpace(body, end);
      if (body[at] === CLOSE_OBJECT) {
        at++;
        break;
      }
      if (body[at] !== COMMA) malformed();
      at = skipSpace(body, at + 1);
    }
  }
  if (skipSpace(body, at) !== body.length) malformed();
  return spans;
}

function only(spans: Span[], key: string): Span | undefined {
  const found = spans.filter((span) => span.key === key);
  if (found.length > 1) throw new BrokeError("usage", `the body names ${key} twice`);
  return found[0];
}

/** Values of top-level members, `undefined` where absent. Throws `usage` when the body is no object or names a wanted member twice. */
export function readTopLevel(body: Uint8Array, keys: string[]): Record<string, Json | undefined> {
  const spans = members(body);
  return Object.fromEntries(
    keys.map((key) => {
      const span = only(spans, key);
      return [key, span === undefined ? undefined : text(body, span.start, span.end)];
    }),
  );
}

/** The body with the values of these top-level members replaced; a member that is absent is an error (`usage`), nothing is added. */
export function spliceTopLevel(body: Uint8Array, edits: Record<string, Json>): Uint8Array<ArrayBuffer> {
  const spans = members(body);
  const encoder = new TextEncoder();
  const changes = Object.entries(edits)
    .map(([key, value]) => {
      const span = only(spans, key);
      if (span === undefined) throw new BrokeError("usage", `the body has no ${key}`);
      return { ...span, bytes: encoder.encode(JSON.stringify(value)) };
    })
    .sort((a, b) => a.start - b.start);
  const growth = changes.reduce((sum, change) => sum + change.bytes.length - (change.end - change.start), 0);
  const out = new Uint8Array(body.length + growth);
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
