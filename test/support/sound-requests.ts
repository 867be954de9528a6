// A rich, sound request of each dialect, to be spoilt.

import type { Json } from "#src/core/json.ts";
import type { Dialect } from "#src/core/dialects.ts";

const schema = { type: "object", properties: { city: { type: "string" } } };
const picture = { type: "base64", media_type: "image/png", data: "aGVsbG8=" };
const args = '{"city":"x"}';

export const sound: Record<Dialect, { path: string; body: { [key: string]: Json } }> = {
  anthropic: {
    path: "/v1/messages",
    body: {
      model: "sonnet",
      max_tokens: 100,
      stream: true,
      system: [{ type: "text", text: "be brief", cache_control: { type: "ephemeral" } }],
      tools: [
        { name: "weather", description: "d", input_schema: schema },
        { type: "web_search_20250305", name: "web_search" },
      ],
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
      thinking: { type: "enabled", budget_tokens: 2048 },
      metadata: { user_id: "u" },
      stop_sequences: ["end"],
      messages: [
        {
          role: "user",
          content: [
            { type: "image", source: picture },
            { type: "text", text: "hi" },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature: "c2ln" },
            { type: "text", text: "looking" },
            { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "x" } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "toolu_1", is_error: true, content: [{ type: "text", text: "no" }] },
          ],
        },
      ],
    },
  },
  "openai-chat": {
    path: "/v1/chat/completions",
    body: {
      model: "sonnet",
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 100,
      tools: [{ type: "function", function: { name: "weather", description: "d", parameters: schema, strict: true } }],
      tool_choice: { type: "function", function: { name: "weather" } },
      response_format: { type: "json_schema", json_schema: { name: "n", schema } },
      reasoning_effort: "high",
      messages: [
        { role: "system", content: "be brief" },
        {
          role: "user",
          content: [
            { type: "text", text: "hi" },
            { type: "image_url", image_url: { url: "data:image/png;base64,aGVsbG8=" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "call_1", type: "function", function: { name: "weather", arguments: args } }],
        },
        { role: "tool", tool_call_id: "call_1", content: "no" },
      ],
    },
  },
  "openai-responses": {
    path: "/v1/responses",
    body: {
      model: "sonnet",
      stream: true,
      store: false,
      instructions: "be brief",
      include: ["reasoning.encrypted_content"],
      reasoning: { effort: "high", summary: "auto" },
      text: { verbosity: "low", format: { type: "json_schema", name: "n", schema } },
      tools: [
        { type: "function", name: "weather", parameters: schema, strict: false },
        { type: "custom", name: "apply_patch", format: { type: "grammar", syntax: "lark", definition: "start: /x/" } },
        {
          type: "namespace",
          name: "ns",
          description: "d",
          tools: [{ type: "function", name: "inner", parameters: schema }],
        },
        { type: "web_search" },
      ],
      input: [
        { role: "developer", content: [{ type: "input_text", text: "dev" }] },
        {
          role: "user",
          content: [
            { type: "input_text", text: "hi" },
            { type: "input_image", image_url: "data:image/png;base64,aGVsbG8=" },
          ],
        },
        { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "abc" },
        { type: "function_call", call_id: "call_1", name: "weather", arguments: args },
        { type: "custom_tool_call", call_id: "call_2", name: "apply_patch", input: "*** Begin" },
        { type: "function_call_output", call_id: "call_1", output: "no" },
        { type: "custom_tool_call_output", call_id: "call_2", output: [{ type: "input_text", text: "done" }] },
      ],
    },
  },
  gemini: {
    path: "/v1beta/models/sonnet:streamGenerateContent?alt=sse",
    body: {
      systemInstruction: { parts: [{ text: "be brief" }] },
      tools: [
        {
          functionDeclarations: [
            {
              name: "weather",
              description: "d",
              parameters: { type: "OBJECT", properties: { city: { type: "STRING" } } },
            },
          ],
        },
        { googleSearch: {} },
      ],
      toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["weather"] } },
      generationConfig: {
        temperature: 1,
        maxOutputTokens: 100,
        stopSequences: ["end"],
        thinkingConfig: { includeThoughts: true, thinkingBudget: 1000 },
      },
      contents: [
        { role: "user", parts: [{ text: "hi" }, { inlineData: { mimeType: "image/png", data: "aGVsbG8=" } }] },
        {
          role: "model",
          parts: [
            { text: "hm", thought: true },
            { functionCall: { id: "c1", name: "weather", args: { city: "x" } }, thoughtSignature: "c2ln" },
          ],
        },
        { role: "user", parts: [{ functionResponse: { id: "c1", name: "weather", response: { output: "no" } } }] },
      ],
    },
  },
};
