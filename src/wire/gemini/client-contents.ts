// A Gemini client's contents → canonical messages. A content may leave its role out: what calls is the model's, anything else the user's.

import type { Json } from "#src/core/json.ts";
import type { Block, Message } from "../canonical.ts";
import type { LossList } from "../losses.ts";
import { isObject, read } from "../schema.ts";
import { makeCallIds } from "./client-ids.ts";
import { decodeParts } from "./client-parts.ts";
import * as schema from "./client-schema.ts";

function roleOf({ role, parts }: schema.WireContent): "user" | "assistant" {
  if (role) return role === "model" ? "assistant" : "user";
  const calls = (parts ?? []).some((part) => isObject(part) && (part["functionCall"] ?? part["function_call"]));
  return calls ? "assistant" : "user";
}

/** The conversation. Throws `usage` naming the path. */
export function decodeContents(raws: readonly Json[], losses: LossList): Message[] {
  const ids = makeCallIds();
  let before: Message["role"] = "user";
  return raws.flatMap((raw, index): Message[] => {
    const path = `contents[${index}]`;
    const content = read(schema.content, raw, path);
    const role = roleOf(content);
    if (role === "assistant" && before !== role) ids.turn();
    before = role;
    const blocks = decodeParts(content.parts ?? [], `${path}.parts`, String(index), { ids, losses });
    return blocks.length === 0 ? [] : [{ role, blocks, path }];
  });
}

/** The system prompt. */
export function decodeSystem(content: schema.WireSystem | null | undefined, losses: LossList): Block[] {
  return decodeParts(content?.parts ?? [], "systemInstruction.parts", "system", { ids: makeCallIds(), losses });
}
