// What is told from a body's bytes alone, in each dialect, beside what reading it tells.

import { expect, test } from "bun:test";
import { inbound } from "#src/wire/codecs.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { estimateInputTokens } from "#src/wire/estimate.ts";
import { glance } from "#src/wire/glance.ts";

const bodyOf = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const text = "The quick brown fox jumps over the lazy dog. ".repeat(40);
const schema = { type: "object", properties: { file_path: { type: "string", description: "an absolute path" } } };

const plain: [Dialect, object, number | undefined][] = [
  [
    "anthropic",
    {
      ...{ model: "sonnet", max_tokens: 77, system: text },
      messages: Array.from({ length: 9 }, (_, at) => ({ role: at % 2 === 0 ? "user" : "assistant", content: text })),
      tools: [{ name: "Read", description: text, input_schema: schema }],
    },
    77,
  ],
  [
    "openai-chat",
    {
      ...{ model: "sonnet", max_completion_tokens: 78 },
      messages: [{ role: "user", content: [{ type: "text", text }] }],
      tools: [{ type: "function", function: { name: "Read", description: text, parameters: schema } }],
    },
    78,
  ],
  [
    "openai-responses",
    {
      ...{ model: "sonnet", max_output_tokens: 79, instructions: text },
      input: [{ type: "message", role: "user", content: [{ type: "input_text", text }] }],
    },
    79,
  ],
  ["gemini", { contents: [{ role: "user", parts: [{ text }] }], systemInstruction: { parts: [{ text }] } }, undefined],
];

test.each(plain)(
  "%s: never less than reading it, and at most a quarter more for words",
  (dialect, value, maxOutput) => {
    const body = bodyOf(value);
    const { request } = inbound[dialect].decodeRequest(value as never, { model: "sonnet", stream: false });
    const read = estimateInputTokens(request);
    const seen = glance(body, dialect);
    expect(seen?.maxOutput).toBe(maxOutput);
    expect(seen!.input).toBeGreaterThanOrEqual(read);
    expect(seen!.input).toBeLessThanOrEqual(Math.ceil(read * 1.25));
  },
);

const media: [string, Dialect, unknown][] = [
  [
    "a picture",
    "anthropic",
    { content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } }] },
  ],
  [
    "a picture by address",
    "anthropic",
    { content: [{ type: "image", source: { type: "url", url: "https://example.com/a.png" } }] },
  ],
  [
    "a picture in Chat",
    "openai-chat",
    { content: [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }] },
  ],
  [
    "a picture in Responses",
    "openai-responses",
    { content: [{ type: "input_image", image_url: "https://example.com/a.png" }] },
  ],
  ["a sound", "openai-chat", { content: [{ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }] }],
  ["a document", "anthropic", { content: [{ type: "document", source: { type: "text", data: "x" } }] }],
  ["a file in Chat", "openai-chat", { content: [{ type: "file", file: { file_id: "f" } }] }],
  ["inline data", "gemini", { parts: [{ inlineData: { mimeType: "image/png", data: "AAAA" } }] }],
  ["inline data in the other case", "gemini", { parts: [{ inline_data: { mime_type: "image/png", data: "AAAA" } }] }],
  ["a file of Gemini's", "gemini", { parts: [{ fileData: { fileUri: "gs://a/b" } }] }],
  ["a file in Responses", "openai-responses", { content: [{ type: "input_file", file_id: "f" }] }],
  ["a sound in Responses", "openai-responses", { content: [{ type: "input_audio", input_audio: {} }] }],
  ["a screenshot", "openai-responses", { output: { type: "computer_screenshot", image_url: "data:" } }],
  ["a file of Gemini's in the other case", "gemini", { parts: [{ file_data: { file_uri: "gs://a/b" } }] }],
  ["a negative output limit", "anthropic", { max_tokens: -1e9 }],
  ["a fractional output limit", "openai-responses", { max_output_tokens: 0.5 }],
  ["an output limit in words", "openai-chat", { max_completion_tokens: "many" }],
  ["an output limit said twice", "anthropic", '{"max_tokens":1,"max_tokens":1000}'],
];

test.each(media)("%s takes more than a glance", (_name, dialect, value) => {
  expect(glance(bodyOf(value), dialect)).toBeUndefined();
});
