// Reasoning in a history that OpenAI did not encrypt: sealed for another backend, or told by us without a proof. OpenAI refuses a request with
// it, so it is taken out of the passing body. Only then `input` is written anew: OpenAI binds nothing to its bytes, and caches by tokens.
// Does not stop: another account's reasoning in OpenAI's own form. Only the provider can tell.

import type { Json } from "#src/core/json.ts";
import { isObject } from "../schema.ts";
import { unseal } from "../seal.ts";
import { readMember } from "../splice.ts";
import { mayBeUnproven } from "../unproven.ts";

/** Ids of ours: `rs_`, the request's, the item's number. */
const OURS = /^rs_req_[A-Za-z0-9_-]+_\d+$/;

/** An id of OpenAI's own without encrypted content may be stored there; nobody else's can be. */
function isForeign(item: Json): boolean {
  if (!isObject(item) || item["type"] !== "reasoning") return false;
  const { encrypted_content: proof, id } = item;
  if (typeof proof === "string" && proof !== "") return unseal(proof) !== undefined;
  return typeof id !== "string" || OURS.test(id);
}

/** The request's `input` without it; undefined when there is none. The body must be well-formed. */
export function withoutForeignReasoning(body: Uint8Array): Json[] | undefined {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!mayBeUnproven(buffer, "reasoning", "encrypted_content")) return undefined;
  const input = readMember(body, "input");
  if (!Array.isArray(input)) return undefined;
  const kept = input.filter((item) => !isForeign(item));
  return kept.length === input.length ? undefined : kept;
}
