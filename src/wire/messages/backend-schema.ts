// Anthropic answers as a backend sends them, whole and streamed. Unknown members are left out, unknown blocks and events passed over.

import * as v from "valibot";
import { isObject, json } from "../schema.ts";

const count = v.nullish(v.number());
export const usage = v.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  output_tokens_details: v.nullish(v.object({ thinking_tokens: count })),
});
export type WireUsage = v.InferOutput<typeof usage>;

/** The schema for members of these types; of another one only the type is read, since its members may be anything. */
function ofTypes<Output extends { type: string }>(types: readonly string[], known: v.GenericSchema<unknown, Output>) {
  const other = v.object({ type: v.string() }) as v.GenericSchema<unknown, { type: string } & Partial<Output>>;
  return v.lazy((input) => (isObject(input) && types.some((type) => type === input["type"]) ? known : other));
}

const knownBlock = v.object({
  type: v.string(),
  text: v.nullish(v.string()),
  thinking: v.nullish(v.string()),
  signature: v.nullish(v.string()),
  data: v.nullish(v.string()),
  id: v.nullish(v.string()),
  name: v.nullish(v.string()),
  input: v.optional(json),
  citations: v.optional(json),
});
export type WireBlock = v.InferOutput<typeof knownBlock>;
/** The blocks that are carried. */
export const blockTypes: readonly string[] = ["text", "thinking", "redacted_thinking", "tool_use"];
const block = ofTypes<WireBlock>(blockTypes, knownBlock);

const knownDelta = v.object({
  type: v.string(),
  text: v.nullish(v.string()),
  thinking: v.nullish(v.string()),
  signature: v.nullish(v.string()),
  partial_json: v.nullish(v.string()),
});
const delta = ofTypes<v.InferOutput<typeof knownDelta>>(
  ["text_delta", "thinking_delta", "signature_delta", "input_json_delta"],
  knownDelta,
);

const stop = { stop_reason: v.nullish(v.string()), stop_sequence: v.nullish(v.string()) };

export const message = v.object({ content: v.array(block), ...stop, usage: v.nullish(usage) });

const index = v.number();
export const events = {
  message_start: v.object({ message: v.object({ usage: v.nullish(usage) }) }),
  content_block_start: v.object({ index, content_block: block }),
  content_block_delta: v.object({ index, delta }),
  content_block_stop: v.object({ index }),
  message_delta: v.object({ delta: v.object(stop), usage: v.nullish(usage) }),
};
