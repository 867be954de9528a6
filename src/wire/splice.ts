// Edits a JSON body without writing it again: thinking signatures and prompt caches are bound to the exact bytes before them, so every byte
// that is not named stays as it was.

import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { leapMembers } from "./leap.ts";
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

/**
 * Takes over a body that a parser has accepted: its members are found without reading its grammar again. Throws `usage` when it is no object or
 * nested too deeply.
 */
export function acceptParsed(body: Uint8Array): void {
  const open = skipSpace(body, 0);
  if (body[open] !== 0x7b) throw new BrokeError("usage", "the body is not a JSON object");
  const members: Member[] = [];
  leapMembers(Buffer.from(body.buffer, body.byteOffset, body.byteLength), open, (keyStart, keyEnd, start, end) => {
    members.push({ keyStart, keyEnd, start, end });
  });
  scanned.set(body, { open, members });
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

/** A member that was asked for, and the one before it. */
type Found = { member: Member; index: number };

/** The named members, in the order of the names. Throws `usage` when one is there twice: then two readers could see two different values. */
function findMembers(body: Uint8Array, { members }: TopLevel, keys: readonly string[]): (Found | undefined)[] {
  return keys.map((key) => {
    let found: Found | undefined;
    for (let index = 0; index < members.length; index++) {
      const member = members[index]!;
      if (!isNamed(body, member, key)) continue;
      if (found !== undefined) throw new BrokeError("usage", `the body has two members named ${key}`);
      found = { member, index };
    }
    return found;
  });
}

/** The member itself with the comma that goes with it: the first takes the one behind it along, any other the one before it. */
function wholeOf({ members }: TopLevel, { member, index }: Found): Span {
  const before = members[index - 1];
  if (before !== undefined) return { start: before.end, end: member.end };
  return { start: member.keyStart, end: members[1]?.keyStart ?? member.end };
}

/**
 * The scalar values of top-level members; absent when the member is absent, or is an object or array. Throws `usage` when the body is not a
 * well-formed JSON object or has one of the keys twice: then two readers could see two different values.
 */
export function readTopLevel<Key extends string>(body: Uint8Array, keys: readonly Key[]): { [name in Key]?: Scalar } {
  const found: { [name in Key]?: Scalar } = {};
  findMembers(body, scan(body), keys).forEach((at, index) => {
    if (at === undefined) return;
    const { start, end } = at.member;
    const first = body[start];
    if (first !== 0x7b && first !== 0x5b) found[keys[index]!] = JSON.parse(text(body, start, end)) as Scalar;
  });
  return found;
}

/** One top-level member's whole value, absent when the member is. Throws `usage` as `readTopLevel` does. */
export function readMember(body: Uint8Array, key: string): Json | undefined {
  const [at] = findMembers(body, scan(body), [key]);
  return at === undefined ? undefined : (JSON.parse(text(body, at.member.start, at.member.end)) as Json);
}

function isExactly(body: Uint8Array, { keyStart, keyEnd }: Member, name: string): boolean {
  if (keyEnd - keyStart - 2 !== name.length) return false;
  for (let at = 0; at < name.length; at++) if (body[keyStart + 1 + at] !== name.charCodeAt(at)) return false;
  return true;
}

/** Those of the names that top-level members have; mostly none, so that is what costs least. Throws `usage` for what is no object. */
export function namesAmong(body: Uint8Array, names: readonly string[]): string[] {
  const found = new Set<string>();
  for (const member of scan(body).members) {
    let escaped = false;
    for (let at = member.keyStart + 1; at < member.keyEnd - 1; at++) if (body[at] === 0x5c) escaped = true;
    for (const name of names)
      if (escaped ? isNamed(body, member, name) : isExactly(body, member, name)) found.add(name);
  }
  return names.filter((name) => found.has(name));
}

/** The names of all top-level members. Throws `usage` as `readTopLevel` does. */
export const memberNames = (body: Uint8Array): string[] =>
  scan(body).members.map(({ keyStart, keyEnd }) => JSON.parse(text(body, keyStart, keyEnd)) as string);

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
  const top = scan(body);
  const changes: Change[] = [];
  const added: string[] = [];
  let taken = 0;
  findMembers(body, top, keys).forEach((at, index) => {
    const key = keys[index]!;
    const value = edits[key];
    if (value === undefined) {
      if (at === undefined) return;
      taken += 1;
      changes.push({ ...wholeOf(top, at), bytes: new Uint8Array(0) });
    } else if (at === undefined) added.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`);
    else changes.push({ start: at.member.start, end: at.member.end, bytes: encoder.encode(JSON.stringify(value)) });
  });
  if (added.length > 0) {
    const first = added.join(",");
    const start = top.open + 1;
    changes.push({ start, end: start, bytes: encoder.encode(top.members.length === taken ? first : `${first},`) });
  }
  return applyChanges(body, changes);
}
