// Edits a JSON body without writing it again: thinking signatures and prompt caches are bound to the exact bytes before them, so every byte
// that is not named stays as it was.

import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { leapMembers } from "./leap.ts";
import { hasControl, leapingStrings } from "./long.ts";
import { bytesOf, readScalar, type Scalar } from "./scalars.ts";
import { skipObject, skipSpace, type SkipString, type Visit } from "./scan.ts";

type Span = { start: number; end: number };

const decoder = new TextDecoder();
const encoder = new TextEncoder();

function text(body: Uint8Array, start: number, end: number): string {
  return decoder.decode(body.subarray(start, end));
}

/** Where the members are: of each the bounds of its key with its quotes, then of its value. Flat, because there is one for every request. */
type TopLevel = { open: number; bounds: number[] };
const BOUNDS = 4;

/** A body is read for its model, and again for every span that is spliced: what was found stays with it. A body never changes. */
const found = Symbol("top level");
type Body = Uint8Array & { [found]?: TopLevel };

const keeping =
  (bounds: number[]): Visit =>
  (keyStart, keyEnd, start, end) =>
    void bounds.push(keyStart, keyEnd, start, end);

function scan(body: Body, strings?: SkipString): TopLevel {
  const known = body[found];
  if (known !== undefined) return known;
  const open = skipSpace(body, 0);
  if (body[open] !== 0x7b) throw new BrokeError("usage", "the body is not a JSON object");
  const bounds: number[] = [];
  const end = skipObject(body, open, 1, keeping(bounds), strings);
  if (skipSpace(body, end) !== body.length) throw new BrokeError("usage", "the body is not well-formed JSON");
  return (body[found] = { open, bounds });
}

/**
 * Checks the grammar of a long body in leaps, which takes half of what a parser takes and leaves nothing behind. False for one it cannot be said of
 * without a parser. Throws `usage` as `readTopLevel` does.
 */
export function acceptLong(body: Body): boolean {
  if (hasControl(body)) return false;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  scan(body, leapingStrings(bytes));
  return true;
}

/**
 * Takes over a body that a parser has accepted: its members are found without reading its grammar again. Throws `usage` when it is no object or
 * nested too deeply.
 */
export function acceptParsed(body: Body): void {
  const open = skipSpace(body, 0);
  if (body[open] !== 0x7b) throw new BrokeError("usage", "the body is not a JSON object");
  const bounds: number[] = [];
  leapMembers(Buffer.from(body.buffer, body.byteOffset, body.byteLength), open, keeping(bounds));
  body[found] = { open, bounds };
}

function hasEscape(body: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (body[at] === 0x5c) return true;
  return false;
}

/** Whether the key from `start` to `end` is this name, which is in ASCII. A key may be spelled with escapes; only its meaning counts. */
function isNamed(body: Uint8Array, start: number, end: number, name: string): boolean {
  let same = end - start - 2 === name.length;
  for (let at = 0; same && at < name.length; at++) same = body[start + 1 + at] === name.charCodeAt(at);
  return same || (hasEscape(body, start, end) && JSON.parse(text(body, start, end)) === name);
}

/** Where the named member's bounds begin; -1 when it is absent. Throws `usage` when it is there twice: then two readers could see two different values. */
function find(body: Uint8Array, { bounds }: TopLevel, name: string): number {
  let at = -1;
  for (let next = 0; next < bounds.length; next += BOUNDS) {
    if (!isNamed(body, bounds[next]!, bounds[next + 1]!, name)) continue;
    if (at >= 0) throw new BrokeError("usage", `the body has two members named ${name}`);
    at = next;
  }
  return at;
}

/** The member itself with the comma that goes with it: the first takes the one behind it along, any other the one before it. */
function wholeOf({ bounds }: TopLevel, at: number): Span {
  const end = bounds[at + 3]!;
  return at > 0 ? { start: bounds[at - 1]!, end } : { start: bounds[at]!, end: bounds[BOUNDS] ?? end };
}

/**
 * The scalar values of top-level members; absent when the member is absent, or is an object or array. Throws `usage` when the body is not a
 * well-formed JSON object or has one of the keys twice: then two readers could see two different values.
 */
export function readTopLevel<Key extends string>(body: Uint8Array, keys: readonly Key[]): { [name in Key]?: Scalar } {
  const values: { [name in Key]?: Scalar } = {};
  const top = scan(body);
  for (const key of keys) {
    const at = find(body, top, key);
    if (at < 0) continue;
    const value = readScalar(body, top.bounds[at + 2]!, top.bounds[at + 3]!);
    if (value !== undefined) values[key] = value;
  }
  return values;
}

/** One top-level member's whole value, absent when the member is. Throws `usage` as `readTopLevel` does. */
export function readMember(body: Uint8Array, key: string): Json | undefined {
  const top = scan(body);
  const at = find(body, top, key);
  return at < 0 ? undefined : (JSON.parse(text(body, top.bounds[at + 2]!, top.bounds[at + 3]!)) as Json);
}

/** Whether a member's name is this one, which is in small letters of ASCII, whatever its letters' case; of names without escapes and in ASCII. */
function isSpelled(body: Uint8Array, start: number, end: number, name: string): boolean {
  if (end - start - 2 !== name.length) return false;
  for (let at = 0; at < name.length; at++) {
    const byte = body[start + 1 + at]!;
    const letter = name.charCodeAt(at);
    if (byte !== letter && ((byte | 0x20) !== letter || letter < 0x61)) return false;
  }
  return true;
}

function isPlain(body: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (body[at] === 0x5c || body[at]! >= 0x80) return false;
  return true;
}

/** Letters that only differ in case, or are taken for each other where case does not count (the long s, the Kelvin sign), as one. */
const folded = (name: string) => name.toUpperCase().toLowerCase();

/**
 * Those of the names that top-level members have; mostly none, so that is what costs least. Throws `usage` for what is no object, and where a member is
 * named as one of these or of `single`, but in other letters: some servers (Go's own JSON reader) do not tell letters apart by case, and would take it
 * for the one that was checked.
 */
export function namesAmong(body: Uint8Array, names: readonly string[], single: readonly string[]): string[] {
  const { bounds } = scan(body);
  let found: string[] | undefined;
  const meet = (start: number, end: number, name: string) => {
    if (!isNamed(body, start, end, name))
      throw new BrokeError("usage", `the body has a member that is named ${name} in other letters`);
    (found ??= []).push(name);
  };
  for (let at = 0; at < bounds.length; at += BOUNDS) {
    const [start, end] = [bounds[at]!, bounds[at + 1]!];
    const plain = isPlain(body, start, end);
    const key = plain ? "" : folded(JSON.parse(text(body, start, end)) as string);
    const is = (name: string) => (plain ? isSpelled(body, start, end, name) : key === name);
    for (const name of names) if (is(name)) meet(start, end, name);
    for (const name of single) if (is(name)) meet(start, end, name);
  }
  return found === undefined ? [] : names.filter((name) => found!.includes(name));
}

/** The names of all top-level members. Throws `usage` as `readTopLevel` does. */
export function memberNames(body: Uint8Array): string[] {
  const { bounds } = scan(body);
  const names: string[] = [];
  for (let at = 0; at < bounds.length; at += BOUNDS)
    names.push(JSON.parse(text(body, bounds[at]!, bounds[at + 1]!)) as string);
  return names;
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
  const sorted = changes.length < 2 ? changes : changes.toSorted((a, b) => a.start - b.start || a.end - b.end);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const { start, end, bytes } of sorted) {
    pieces.push(body.subarray(from, start), bytes);
    from = end;
  }
  pieces.push(body.subarray(from));
  // The runtime takes memory for it that was used before: a new array of 100 kB is cleared first, which takes nine times as long.
  return Buffer.concat(pieces);
}

/**
 * A copy of the body with the values of the named top-level members replaced; members that were absent are put first, `undefined` takes one
 * out. Throws `usage` as `readTopLevel` does. At most one member may be taken out.
 */
export function spliceTopLevel(body: Uint8Array, edits: Record<string, Json | undefined>): Uint8Array<ArrayBuffer> {
  const top = scan(body);
  const changes: Change[] = [];
  let added = "";
  let taken = 0;
  for (const key of Object.keys(edits)) {
    const value = edits[key];
    const at = find(body, top, key);
    if (value === undefined) {
      if (at < 0) continue;
      taken += 1;
      changes.push({ ...wholeOf(top, at), bytes: new Uint8Array(0) });
    } else if (at < 0) added += `${added === "" ? "" : ","}${JSON.stringify(key)}:${JSON.stringify(value)}`;
    else {
      const [start, end] = [top.bounds[at + 2]!, top.bounds[at + 3]!];
      changes.push({ start, end, bytes: bytesOf(value) });
    }
  }
  if (added !== "") {
    const start = top.open + 1;
    const bytes = encoder.encode(top.bounds.length === taken * BOUNDS ? added : `${added},`);
    changes.push({ start, end: start, bytes });
  }
  return applyChanges(body, changes);
}
