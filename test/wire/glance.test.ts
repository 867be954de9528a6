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
    const seen = glance(body);
    expect(seen?.maxOutput).toBe(maxOutput);
    expect(seen!.input).toBeGreaterThanOrEqual(read);
    expect(seen!.input).toBeLessThanOrEqual(Math.ceil(read * 1.25));
  },
);

const media: [string, unknown][] = [
  ["a picture", { content: [{ type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } }] }],
  ["a picture by address", { content: [{ type: "image", source: { type: "url", url: "https://example.com/a.png" } }] }],
  ["a picture in Chat", { content: [{ type: "image_url", image_url: { url: "https://example.com/a.png" } }] }],
  ["a picture in Responses", { content: [{ type: "input_image", image_url: "https://example.com/a.png" }] }],
  ["a sound", { content: [{ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }] }],
  ["a document", { content: [{ type: "document", source: { type: "text", data: "x" } }] }],
  ["a file in Chat", { content: [{ type: "file", file: { file_id: "f" } }] }],
  ["inline data", { parts: [{ inlineData: { mimeType: "image/png", data: "AAAA" } }] }],
  ["inline data in the other case", { parts: [{ inline_data: { mime_type: "image/png", data: "AAAA" } }] }],
  ["a file of Gemini's", { parts: [{ fileData: { fileUri: "gs://a/b" } }] }],
  ["a negative output limit", { max_tokens: -1e9 }],
  ["a fractional output limit", { max_output_tokens: 0.5 }],
  ["an output limit in words", { max_completion_tokens: "many" }],
  ["an output limit said twice", '{"max_tokens":1,"max_tokens":1000}'],
];

test.each(media)("%s takes more than a glance", (_name, value) => {
  expect(glance(bodyOf(value))).toBeUndefined();
});
