// Chat Completions answers as providers send them: OpenAI's shapes, and the deviations of those who claim to be compatible. Unknown members
// are left out.

import * as v from "valibot";
import { json } from "../schema.ts";

const count = v.nullish(v.number());

const usage = v.object({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: v.nullish(v.object({ cached_tokens: count, cache_write_tokens: count })),
  completion_tokens_details: v.nullish(v.object({ reasoning_tokens: count })),
  // DeepSeek and Moonshot.
  prompt_cache_hit_tokens: count,
  cached_tokens: count,
});
export type WireUsage = v.InferOutput<typeof usage>;

/** `arguments` is text; some servers send the object itself. */
const toolCall = v.object({
  index: v.nullish(v.number()),
  id: v.nullish(v.string()),
  function: v.nullish(v.object({ name: v.nullish(v.string()), arguments: v.nullish(json) })),
  custom: v.nullish(v.object({ name: v.nullish(v.string()), input: v.nullish(v.string()) })),
  // Google's.
  extra_content: v.nullish(v.object({ google: v.nullish(v.object({ thought_signature: v.nullish(v.string()) })) })),
});
export type WireCall = v.InferOutput<typeof toolCall>;

/** What a thought of OpenRouter's says of itself beside its words and what proves them. */
const marks = {
  type: v.string(),
  id: v.nullish(v.string()),
  format: v.nullish(v.string()),
  index: v.nullish(v.number()),
};
export const detailMarks = v.array(v.object(marks));
const word = v.nullish(v.string());
export const detail = v.object({ ...marks, text: word, summary: word, data: word, signature: word });
export type WireDetail = v.InferOutput<typeof detail>;

/** The same in a whole message and in a delta; reasoning under the names of DeepSeek and of OpenRouter. */
const said = v.object({
  content: v.nullish(v.union([v.string(), v.array(json)])),
  refusal: v.nullish(v.string()),
  reasoning_content: v.nullish(v.string()),
  reasoning: v.nullish(v.string()),
  reasoning_details: v.optional(json),
  tool_calls: v.nullish(v.array(toolCall)),
  // Not carried.
  images: v.optional(json),
  audio: v.optional(json),
  annotations: v.optional(json),
});
export type WireSaid = v.InferOutput<typeof said>;

/** `usage` inside a choice is Moonshot's. */
const shared = { finish_reason: v.nullish(v.string()), usage: v.nullish(usage) };

export const chunk = v.object({
  choices: v.nullish(v.array(v.object({ index: v.nullish(v.number()), delta: v.nullish(said), ...shared }))),
  usage: v.nullish(usage),
  error: v.optional(json),
});

export const completion = v.object({
  choices: v.nullish(v.array(v.object({ message: v.nullish(said), ...shared }))),
  usage: v.nullish(usage),
  error: v.optional(json),
});
