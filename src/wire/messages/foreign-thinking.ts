// Thinking in a history that Anthropic did not sign: unsigned (a translation's), or sealed for another backend. Anthropic refuses a request
// with it, so it is cut out of the passing bytes; what Anthropic signed stays as it is, to the byte.
// Does not stop: another provider's signature in Anthropic's own form. Only the provider can tell.

import { parseJson } from "#src/core/json.ts";
import { skipArray, skipObject, skipSpace } from "../scan.ts";
import { isObject } from "../schema.ts";
import { SEAL_SIGN, unseal } from "../seal.ts";
import type { Change } from "../splice.ts";
import { mayBeUnproven } from "../unproven.ts";

type Span = { start: number; end: number };

const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const decoder = new TextDecoder();
const nothing = new Uint8Array(0);

/** Whether there is a block of thinking at all: the word at a text's end, and not as a member's name, which every request of Claude Code has. */
function mayThink(buffer: Buffer): boolean {
  const WORD = 'thinking"';
  for (let at = buffer.indexOf(WORD); at >= 0; at = buffer.indexOf(WORD, at + WORD.length)) {
    if (buffer[skipSpace(buffer, at + WORD.length)] !== COLON) return true;
  }
  return false;
}

/** Whether it is worth the walk, which takes as long as all the rest. */
function mayBeForeign(buffer: Buffer): boolean {
  if (!mayThink(buffer)) return false;
  if (mayBeUnproven(buffer, "thinking", "signature")) return true;
  return buffer.includes('"redacted_thinking"') && buffer.includes(SEAL_SIGN);
}

function isForeign(bytes: Buffer): boolean {
  if (!bytes.includes("thinking")) return false;
  const block = parseJson(decoder.decode(bytes));
  if (!isObject(block)) return false;
  const { type, signature, data } = block;
  if (type === "redacted_thinking") return typeof data === "string" && unseal(data) !== undefined;
  return type === "thinking" && (typeof signature !== "string" || signature === "" || unseal(signature) !== undefined);
}

function elements(body: Uint8Array, at: number): Span[] {
  const found: Span[] = [];
  skipArray(body, at, 1, (start, end) => void found.push({ start, end }));
  return found;
}

function memberOf(body: Uint8Array, object: Span, name: string): number | undefined {
  let at: number | undefined;
  skipObject(body, object.start, 1, (keyStart, keyEnd, start) => {
    if (parseJson(decoder.decode(body.subarray(keyStart, keyEnd))) === name) at = start;
  });
  return at;
}

/** Takes elements out of a list, with the commas that go with them. */
function without(all: Span[], taken: Set<Span>): Change[] {
  const firstKept = all.findIndex((span) => !taken.has(span));
  return all.flatMap((span, index) => {
    if (!taken.has(span)) return [];
    if (firstKept < 0)
      return [{ start: span.start, end: index + 1 < all.length ? all[index + 1]!.start : span.end, bytes: nothing }];
    // In front of the first that stays, the comma behind goes; anywhere else the one before.
    return index < firstKept
      ? [{ start: span.start, end: all[index + 1]!.start, bytes: nothing }]
      : [{ start: all[index - 1]!.end, end: span.end, bytes: nothing }];
  });
}

/** The changes that take it out of a Messages request; a turn of nothing else goes with it. The body must be well-formed. */
export function withoutForeignThinking(body: Uint8Array): Change[] {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!mayBeForeign(buffer)) return [];
  const messagesAt = memberOf(body, { start: buffer.indexOf("{"), end: body.length }, "messages");
  if (messagesAt === undefined || body[messagesAt] !== OPEN_ARRAY) return [];
  const messages = elements(body, messagesAt);
  const emptied = new Set<Span>();
  const changes = messages.flatMap((message) => {
    const content = body[message.start] === OPEN_OBJECT ? memberOf(body, message, "content") : undefined;
    if (content === undefined || body[content] !== OPEN_ARRAY) return [];
    const blocks = elements(body, content);
    const foreign = new Set(blocks.filter(({ start, end }) => isForeign(buffer.subarray(start, end))));
    if (foreign.size === 0) return [];
    if (foreign.size < blocks.length) return without(blocks, foreign);
    emptied.add(message);
    return [];
  });
  return [...changes, ...without(messages, emptied)];
}
