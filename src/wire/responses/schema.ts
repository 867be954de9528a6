// Responses answers as providers send them: OpenAI's shapes, read loosely where those who claim to be compatible leave things out. Unknown
// members are left out.

import * as v from "valibot";
import { json } from "../schema.ts";

const word = v.nullish(v.string());
const count = v.nullish(v.number());

const usage = v.object({
  input_tokens: count,
  input_tokens_details: v.nullish(v.object({ cached_tokens: count, cache_write_tokens: count })),
  output_tokens: count,
  output_tokens_details: v.nullish(v.object({ reasoning_tokens: count })),
});
export type WireUsage = v.InferOutput<typeof usage>;

/** What the three kinds of items we read have; `arguments` is text, some servers send the object itself. */
export const item = v.object({
  type: v.string(),
  id: word,
  status: word,
  content: v.nullish(v.array(v.object({ type: word, text: word, refusal: word }))),
  summary: v.nullish(v.array(v.object({ text: word }))),
  encrypted_content: word,
  call_id: word,
  name: word,
  arguments: v.nullish(json),
  input: word,
});
export type WireItem = v.InferOutput<typeof item>;

export const response = v.object({
  status: word,
  output: v.nullish(v.array(json)),
  usage: v.nullish(usage),
  incomplete_details: v.nullish(v.object({ reason: word })),
  error: v.nullish(json),
});
export type WireResponse = v.InferOutput<typeof response>;

/** The events we read, all members of all of them. */
export const event = v.object({
  type: v.string(),
  output_index: count,
  item_id: word,
  content_index: count,
  summary_index: count,
  delta: word,
  text: word,
  refusal: word,
  arguments: word,
  input: word,
  item: v.nullish(json),
  response: v.nullish(json),
});
export type WireEvent = v.InferOutput<typeof event>;
