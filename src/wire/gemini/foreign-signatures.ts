// Thought signatures in a history that Google did not mint: sealed for another backend. Google refuses a request with one, so they are taken out
// of the passing body, and the calls on which it would miss one are excused. Only then `contents` is written anew: Google binds nothing to its
// bytes, and caches by tokens.
// Does not stop: another account's signature in Google's own form. Only the provider can tell.

import type { Json } from "#src/core/json.ts";
import { isObject } from "../schema.ts";
import { SEAL_SIGN, unseal } from "../seal.ts";
import { readMember } from "../splice.ts";
import { excuseUnsigned, isCall, SENTINEL, SIGNATURES } from "./signatures.ts";

const isForeign = (value: Json | undefined) => typeof value === "string" && unseal(value) !== undefined;

/** A part without it, or no part when it was there for nothing else. `excused`: what a call gets instead, where it must have one. */
function cleanPart(part: Json, excused: string | undefined): Json[] {
  const name = isObject(part) ? SIGNATURES.find((each) => isForeign(part[each])) : undefined;
  if (!isObject(part) || name === undefined) return [part];
  const { [name]: _, ...rest } = part;
  if (rest["text"] === "") return [];
  return [isCall(rest) && excused !== undefined ? { ...rest, [name]: excused } : rest];
}

function cleanContent(content: Json, excused: string | undefined): Json[] {
  if (!isObject(content) || !Array.isArray(content["parts"])) return [content];
  const parts = content["parts"].flatMap((part) => cleanPart(part, excused));
  return parts.length === 0 ? [] : [{ ...content, parts }];
}

/**
 * The request's `contents` without them; undefined when there are none. `strict`: the backend refuses calls without a signature, and one of a turn
 * that another backend began may never have had one. The body must be well-formed.
 */
export function withoutForeignSignatures(body: Uint8Array, strict: boolean): Json[] | undefined {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!buffer.includes(SEAL_SIGN)) return undefined;
  const contents = readMember(body, "contents");
  if (!Array.isArray(contents)) return undefined;
  const kept = contents.flatMap((content) => cleanContent(content, strict ? SENTINEL : undefined));
  if (JSON.stringify(kept) === JSON.stringify(contents)) return undefined;
  return strict ? excuseUnsigned(kept) : kept;
}
