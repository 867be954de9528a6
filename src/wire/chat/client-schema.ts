// The Chat Completions request as clients send it (OpenAI's API reference, and the extensions OpenRouter made common). Unknown members are let
// through: the dialect grows faster than its readers.

import * as v from "valibot";
import { json, jsonObject } from "../schema.ts";

const name = v.pipe(v.string(), v.nonEmpty());

export const content = v.union([v.string(), v.array(json)]);

/** OpenRouter's mark for Anthropic's prompt caches; OpenAI's own mark has another name and no lifetime. */
const cached = {
  cache_control: v.nullish(v.object({ ttl: v.nullish(v.string()) })),
  prompt_cache_breakpoint: v.nullish(jsonObject),
};
export type WireMarks = v.InferOutput<v.ObjectSchema<typeof cached, undefined>>;

export const partType = v.object({ type: v.string(), ...cached });

/** Parts by `type`; one that is not here is carried as it is, for its own dialect only. */
export const parts = {
  text: v.object({ text: v.string() }),
  refusal: v.object({ refusal: v.string() }),
  imageUrl: v.object({
    image_url: v.union([v.string(), v.object({ url: v.string(), detail: v.nullish(v.string()) })]),
  }),
  file: v.object({
    file: v.object({
      file_data: v.nullish(v.string()),
      file_id: v.nullish(v.string()),
      filename: v.nullish(v.string()),
    }),
  }),
};

/** `extra_content` is where Google's Chat endpoint keeps a call's thought signature. */
const signed = {
  extra_content: v.nullish(v.object({ google: v.nullish(v.object({ thought_signature: v.nullish(v.string()) })) })),
};
export const toolCall = v.union([
  v.object({ id: name, type: v.literal("custom"), custom: v.object({ name, input: v.string() }), ...signed }),
  v.object({
    id: name,
    type: v.nullish(v.literal("function")),
    function: v.object({ name, arguments: v.string() }),
    ...signed,
  }),
]);

const reasoningDetail = v.object({
  id: v.nullish(v.string()),
  text: v.nullish(v.string()),
  summary: v.nullish(v.string()),
  signature: v.nullish(v.string()),
  data: v.nullish(v.string()),
});

export const messageHead = v.object({
  name: v.nullish(v.string()),
  role: v.picklist(["system", "developer", "user", "assistant", "tool", "function"]),
});
export const said = v.object({ content });
export const assistant = v.object({
  content: v.nullish(content),
  refusal: v.nullish(v.string()),
  reasoning_content: v.nullish(v.string()),
  reasoning: v.nullish(v.string()),
  reasoning_details: v.nullish(v.array(reasoningDetail)),
  tool_calls: v.nullish(v.array(toolCall)),
  function_call: v.nullish(v.object({ name, arguments: v.string() })),
});
export type WireAssistant = v.InferOutput<typeof assistant>;
export const toolMessage = v.object({ tool_call_id: name, content });
export const functionMessage = v.object({ name, content: v.nullish(content) });

/** The members of messages by role, of parts by type and of tools, beside which others are lost. */
export const known = {
  part: new Map(
    Object.entries({ text: parts.text, refusal: parts.refusal, image_url: parts.imageUrl, file: parts.file }).map(
      ([type, { entries }]) => [type, new Set([...Object.keys(partType.entries), ...Object.keys(entries)])],
    ),
  ),
  said: new Set(["role", "name", "content"]),
  assistant: new Set(["role", "name", ...Object.keys(assistant.entries)]),
  result: new Set(["role", "name", "content", "tool_call_id"]),
  function: new Set(["name", "description", "parameters", "strict"]),
  reasoning: new Set(["effort", "max_tokens", "enabled"]),
};

const functionTool = v.object({
  name,
  description: v.nullish(v.string()),
  parameters: v.nullish(jsonObject),
  strict: v.nullish(v.boolean()),
});
/** Tools by `type`; one that is not here is run by a provider, and carried as it is. */
export const tools = {
  function: v.object({ function: functionTool, ...cached }),
  custom: v.object({ custom: v.object({ name, description: v.nullish(v.string()), format: v.nullish(json) }) }),
  other: v.object({ name: v.nullish(v.string()) }),
};

const toolChoice = v.union([
  v.picklist(["auto", "none", "required"]),
  v.object({ type: v.literal("function"), function: v.object({ name }) }),
  v.object({ type: v.literal("custom"), custom: v.object({ name }) }),
  v.object({
    type: v.literal("allowed_tools"),
    allowed_tools: v.object({ mode: v.picklist(["auto", "required"]), tools: v.array(json) }),
  }),
]);

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const number = v.nullish(v.number());

export const request = v.object({
  model: v.string(),
  messages: v.array(json),
  stream: v.nullish(v.boolean()),
  stream_options: v.nullish(v.object({ include_usage: v.nullish(v.boolean()) })),
  max_tokens: v.nullish(whole),
  max_completion_tokens: v.nullish(whole),
  temperature: number,
  top_p: number,
  top_k: number,
  seed: number,
  presence_penalty: number,
  frequency_penalty: number,
  stop: v.nullish(v.union([v.string(), v.array(v.string())])),
  n: v.nullish(whole),
  logprobs: v.nullish(v.boolean()),
  tools: v.nullish(v.array(json)),
  tool_choice: v.nullish(toolChoice),
  functions: v.nullish(v.array(functionTool)),
  function_call: v.nullish(v.union([v.picklist(["auto", "none"]), v.object({ name })])),
  parallel_tool_calls: v.nullish(v.boolean()),
  web_search_options: v.nullish(json),
  response_format: v.nullish(
    v.variant("type", [
      v.object({ type: v.picklist(["text", "json_object"]) }),
      v.object({
        type: v.literal("json_schema"),
        json_schema: v.object({
          name: v.nullish(v.string()),
          description: v.nullish(v.string()),
          schema: v.nullish(jsonObject),
          strict: v.nullish(v.boolean()),
        }),
      }),
    ]),
  ),
  reasoning_effort: v.nullish(v.string()),
  reasoning: v.nullish(
    v.looseObject({ effort: v.nullish(v.string()), max_tokens: v.nullish(whole), enabled: v.nullish(v.boolean()) }),
  ),
  verbosity: v.nullish(v.string()),
  user: v.nullish(v.string()),
  safety_identifier: v.nullish(v.string()),
  prompt_cache_key: v.nullish(v.string()),
  // Of no consequence to what is answered.
  metadata: v.nullish(json),
  store: v.nullish(v.boolean()),
  service_tier: v.nullish(v.string()),
  modalities: v.nullish(v.array(v.string())),
  prompt_cache_retention: v.nullish(v.string()),
});
export type WireRequest = v.InferOutput<typeof request>;
