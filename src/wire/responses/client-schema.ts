// The Responses request as clients send it (OpenAI's API reference, and what Codex 0.169 was seen to send). Unknown members are let through:
// the dialect grows faster than its readers.

import * as v from "valibot";
import { json, jsonObject } from "../schema.ts";

const name = v.pipe(v.string(), v.nonEmpty());
const word = v.nullish(v.string());

export const content = v.union([v.string(), v.array(json)]);

/** A message may leave its type out; an item with neither type nor role is a reference. */
export const itemHead = v.object({ type: word, role: word });
export const typed = v.object({ type: v.string() });

/** Parts by `type`; one that is not here is carried as it is, for its own dialect only. */
export const parts = {
  text: v.object({ text: v.string(), annotations: v.nullish(v.array(json)) }),
  refusal: v.object({ refusal: v.string() }),
  image: v.object({ image_url: word, file_id: word, detail: word }),
  file: v.object({ file_data: word, file_url: word, file_id: word, filename: word }),
};

const texts = v.nullish(v.array(v.object({ text: v.string() })));
export const message = v.object({ role: v.picklist(["system", "developer", "user", "assistant"]), content });
export const reasoning = v.object({ id: word, summary: texts, content: texts, encrypted_content: word });
export const functionCall = v.object({ call_id: name, name, namespace: word, arguments: v.string() });
export const customCall = v.object({ call_id: name, name, namespace: word, input: v.string() });
export const output = v.object({ call_id: name, output: content });
export const additionalTools = v.object({ tools: v.array(json) });

const described = { name, description: word };
export const functionTool = v.object({
  ...described,
  parameters: v.nullish(jsonObject),
  strict: v.nullish(v.boolean()),
});
export const customTool = v.object({ ...described, format: v.nullish(json) });
export const namespaceTool = v.object({ ...described, tools: v.array(json) });

export const toolChoice = v.union([
  v.picklist(["auto", "none", "required"]),
  v.object({ type: v.picklist(["function", "custom"]), name, namespace: word }),
  v.object({ type: v.literal("allowed_tools"), mode: v.picklist(["auto", "required"]), tools: v.array(json) }),
  v.object({ type: v.string() }),
]);
export type WireChoice = v.InferOutput<typeof toolChoice>;

/** The members of tools, beside which others are lost. */
export const known = {
  functionTool: new Set(["type", ...Object.keys(functionTool.entries)]),
  customTool: new Set(["type", ...Object.keys(customTool.entries)]),
};

const textFormat = v.variant("type", [
  v.object({ type: v.picklist(["text", "json_object"]) }),
  v.object({
    type: v.literal("json_schema"),
    name: word,
    schema: jsonObject,
    strict: v.nullish(v.boolean()),
    description: word,
  }),
]);

const number = v.nullish(v.number());

export const request = v.object({
  model: v.string(),
  input: content,
  instructions: word,
  stream: v.nullish(v.boolean()),
  tools: v.nullish(v.array(json)),
  tool_choice: v.nullish(toolChoice),
  parallel_tool_calls: v.nullish(v.boolean()),
  max_output_tokens: v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0))),
  temperature: number,
  top_p: number,
  reasoning: v.nullish(v.looseObject({ effort: word, summary: word, generate_summary: word })),
  text: v.nullish(v.looseObject({ format: v.nullish(textFormat), verbosity: word })),
  prompt_cache_key: word,
  safety_identifier: word,
  user: word,
  // Refused by `readHead` where they say something.
  previous_response_id: word,
  background: v.nullish(v.boolean()),
  conversation: v.nullish(json),
  // Of no consequence to what is answered.
  store: v.nullish(v.boolean()),
  include: v.nullish(json),
  metadata: v.nullish(json),
  service_tier: word,
  truncation: word,
  client_metadata: v.nullish(json),
  prompt_cache_retention: word,
  stream_options: v.nullish(json),
});
export type WireRequest = v.InferOutput<typeof request>;
