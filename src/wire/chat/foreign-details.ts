// Thoughts in a history that no Chat backend minted: sealed for another one. A provider would take them for its own and refuse them, so they are
// taken out of the passing body, and the words that we told of them with them: not every provider takes `reasoning_content`. Only then `messages` is written anew: Chat binds nothing to its bytes, and caches by tokens.

import type { Json } from "#src/core/json.ts";
import { isObject } from "../schema.ts";
import { SEAL_SIGN, unseal } from "../seal.ts";
import { readMember } from "../splice.ts";

const isSealed = (value: Json | undefined) => typeof value === "string" && unseal(value) !== undefined;
const isForeign = (detail: Json) => isObject(detail) && (isSealed(detail["signature"]) || isSealed(detail["data"]));

/** A call without the signature that Google's clients keep beside it. */
function cleanCall(call: Json): Json {
  if (!isObject(call) || !isObject(call["extra_content"])) return call;
  const { google } = call["extra_content"];
  if (!isObject(google) || !isSealed(google["thought_signature"])) return call;
  const { extra_content: _, ...rest } = call;
  return rest;
}

/** `takesWords`: the backend wants reasoning back, whoever reasoned. */
function cleanMessage(message: Json, takesWords: boolean): Json {
  if (!isObject(message)) return message;
  const { reasoning_details: details, tool_calls: calls } = message;
  const kept = Array.isArray(details) ? details.filter((detail) => !isForeign(detail)) : [];
  const { reasoning_details: _, reasoning_content: words, ...rest } = message;
  return {
    ...(Array.isArray(details) && kept.length < details.length
      ? {
          ...rest,
          ...(takesWords && words !== undefined ? { reasoning_content: words } : {}),
          ...(kept.length === 0 ? {} : { reasoning_details: kept }),
        }
      : message),
    ...(Array.isArray(calls) ? { tool_calls: calls.map(cleanCall) } : {}),
  };
}

/** The request's `messages` without them; undefined when there are none. `takesWords`: see above. The body must be well-formed. */
export function withoutForeignDetails(body: Uint8Array, takesWords: boolean): Json[] | undefined {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (!buffer.includes(SEAL_SIGN)) return undefined;
  const messages = readMember(body, "messages");
  if (!Array.isArray(messages)) return undefined;
  const kept = messages.map((message) => cleanMessage(message, takesWords));
  return JSON.stringify(kept) === JSON.stringify(messages) ? undefined : kept;
}
