// The Anthropic Messages request as clients send it (its API reference, and what Claude Code 2.1 was seen to send). Unknown members are let
// through: the dialect grows faster than its readers.

import * as v from "valibot";
import { json, jsonObject } from "../schema.ts";

const cacheControl = v.nullish(v.object({ ttl: v.nullish(v.string()) }));

const source = v.variant("type", [
  v.object({ type: v.literal("base64"), media_type: v.string(), data: v.string() }),
  v.object({ type: v.literal("url"), url: v.string() }),
  v.object({ type: v.literal("file"), file_id: v.string() }),
  v.object({ type: v.literal("text"), data: v.string() }),
  v.object({ type: v.literal("content"), content: v.union([v.string(), v.array(json)]) }),
]);
export type WireSource = v.InferOutput<typeof source>;

export const blockType = v.object({ type: v.string() });

/** Content blocks by `type`; a type that is not here is carried as it is, for its own dialect only. */
export const blocks = {
  text: v.object({ text: v.string(), citations: v.nullish(v.array(json)), cache_control: cacheControl }),
  image: v.object({ source, cache_control: cacheControl }),
  document: v.object({
    source,
    title: v.nullish(v.string()),
    context: v.nullish(v.string()),
    citations: v.nullish(v.object({ enabled: v.nullish(v.boolean()) })),
    cache_control: cacheControl,
  }),
  thinking: v.object({ thinking: v.string(), signature: v.nullish(v.string()) }),
  redactedThinking: v.object({ data: v.string() }),
  toolUse: v.object({ id: v.string(), name: v.string(), input: json, cache_control: cacheControl }),
  toolResult: v.object({
    tool_use_id: v.string(),
    content: v.nullish(v.union([v.string(), v.array(json)])),
    is_error: v.nullish(v.boolean()),
    cache_control: cacheControl,
  }),
};

export const content = v.union([v.string(), v.array(json)]);

export const message = v.object({ role: v.picklist(["user", "assistant", "system"]), content });

/** What every tool has; one with a `type` of its own has little more. */
export const tool = v.object({
  type: v.nullish(v.string()),
  name: v.optional(v.string()),
  description: v.nullish(v.string()),
  strict: v.nullish(v.boolean()),
  cache_control: cacheControl,
});
export const namedTool = v.object({ name: v.pipe(v.string(), v.nonEmpty()), input_schema: jsonObject });

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Whether thoughts are told in words: `summarized` or `omitted`. */
const shown = { display: v.nullish(v.string()) };

export const request = v.object({
  model: v.string(),
  max_tokens: v.optional(whole),
  messages: v.array(json),
  system: v.nullish(content),
  tools: v.nullish(v.array(json)),
  tool_choice: v.nullish(
    v.variant("type", [
      v.object({ type: v.picklist(["auto", "any", "none"]), disable_parallel_tool_use: v.nullish(v.boolean()) }),
      v.object({ type: v.literal("tool"), name: v.string(), disable_parallel_tool_use: v.nullish(v.boolean()) }),
    ]),
  ),
  stop_sequences: v.nullish(v.array(v.string())),
  temperature: v.nullish(v.number()),
  top_p: v.nullish(v.number()),
  top_k: v.nullish(v.number()),
  stream: v.nullish(v.boolean()),
  metadata: v.nullish(v.object({ user_id: v.nullish(v.string()) })),
  thinking: v.nullish(
    v.variant("type", [
      v.object({ type: v.literal("enabled"), budget_tokens: v.optional(whole), ...shown }),
      v.object({ type: v.picklist(["adaptive", "between_tools", "disabled"]), ...shown }),
    ]),
  ),
  // Of no consequence to what is answered.
  cache_control: v.nullish(json),
  service_tier: v.nullish(json),
  output_config: v.nullish(
    v.looseObject({
      effort: v.nullish(v.string()),
      format: v.nullish(v.object({ type: v.literal("json_schema"), schema: json })),
    }),
  ),
});
export type WireRequest = v.InferOutput<typeof request>;
