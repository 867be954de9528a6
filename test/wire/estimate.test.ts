// The estimate of a request's tokens: never nothing, and it grows with everything the model reads.

import { expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { estimateInputTokens } from "#src/wire/estimate.ts";
import { messagesInbound } from "#src/wire/messages/codec.ts";

const count = (body: { [key: string]: Json }) =>
  estimateInputTokens(
    messagesInbound.decodeRequest({ model: "m", messages: [], ...body }, { model: "m", stream: false }).request,
  );
const user = (content: Json) => ({ messages: [{ role: "user", content }] });
const words = "word ".repeat(100);

test("an empty request is not nothing", () => {
  expect(count({})).toBe(1);
});

test("everything that is read counts", () => {
  const empty = count(user("x"));
  const grown: [string, { [key: string]: Json }][] = [
    ["text", user(words)],
    ["system", { ...user("x"), system: words }],
    ["a tool's description", { ...user("x"), tools: [{ name: "t", description: words, input_schema: {} }] }],
    ["a tool's schema", { ...user("x"), tools: [{ name: "t", input_schema: { type: "object", description: words } }] }],
    [
      "a tool call",
      { messages: [{ role: "assistant", content: [{ type: "tool_use", id: "1", name: "t", input: { words } }] }] },
    ],
    ["a tool result", user([{ type: "tool_result", tool_use_id: "1", content: words }])],
    [
      "thinking",
      { messages: [{ role: "assistant", content: [{ type: "thinking", thinking: words, signature: "s" }] }] },
    ],
    ["a picture", user([{ type: "image", source: { type: "base64", media_type: "image/png", data: "AAAA" } }])],
    ["a document", user([{ type: "document", source: { type: "text", media_type: "text/plain", data: words } }])],
    ["a block nobody knows", user([{ type: "new_block", body: words }])],
  ];
  for (const [what, body] of grown) expect({ what, more: count(body) > empty + 100 }).toEqual({ what, more: true });
});

test("English is about four or five characters a token", () => {
  const text =
    "The quick brown fox jumps over the lazy dog, and then it rests for a while in the shade of a tree. ".repeat(50);
  const real = 1150; // 23 tokens a sentence with o200k and with Claude's own count
  const told = count(user(text));
  expect(told).toBeGreaterThan(real * 0.9);
  expect(told).toBeLessThan(real * 1.35);
});
