// What a Chat client kept for other backends never reaches a Chat backend; everything else passes to the byte.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { chatPass } from "#src/wire/chat/pass.ts";
import { seal } from "#src/wire/seal.ts";
import { bytesOf, SCOPE } from "../cases.ts";

const target = { model: "m", stream: false, scope: SCOPE };
const sent = (body: Json, quirks = {}) =>
  new TextDecoder().decode(chatPass.prepare(bytesOf(JSON.stringify(body)), { ...target, quirks }).body);
const sealed = (origin: "anthropic" | "gemini", kind: "signature" | "redacted" = "signature") =>
  seal({ origin, scope: "ffffffffffffffff", kind, data: "c2ln" });
const call = (members: object): Json => ({
  id: "call_a",
  type: "function",
  function: { name: "read", arguments: "{}" },
  ...members,
});
const request = (message: object): Json => ({
  model: "m",
  messages: [
    { role: "user", content: "hi" },
    { role: "assistant", ...message },
  ],
});

test("thoughts sealed for another backend stay here", () => {
  const own = { type: "reasoning.encrypted", data: "gAAA", index: 0 };
  const foreign = [
    { type: "reasoning.text", text: "hm", signature: sealed("anthropic"), index: 1 },
    { type: "reasoning.encrypted", data: sealed("anthropic", "redacted"), index: 2 },
  ];
  expect(sent(request({ content: "ok", reasoning_details: [own, ...foreign] }))).toBe(
    JSON.stringify(request({ content: "ok", reasoning_details: [own] })),
  );
  expect(sent(request({ content: "ok", reasoning_details: foreign }))).toBe(JSON.stringify(request({ content: "ok" })));
});

test("and so do the words told of them, but where a backend wants those", () => {
  const details = [{ type: "reasoning.text", text: "hm", signature: sealed("anthropic"), index: 0 }];
  const told = request({ content: "ok", reasoning_content: "hm", reasoning_details: details });
  expect(sent(told)).toBe(JSON.stringify(request({ content: "ok" })));
  expect(sent(told, { reasoningContent: true })).toBe(
    JSON.stringify(request({ content: "ok", reasoning_content: "hm" })),
  );
  const others = [...(told as { messages: Json[] }).messages, { role: "assistant", reasoning_content: "its own" }];
  expect(sent({ model: "m", messages: others })).toContain('"reasoning_content":"its own"');
});

test("so do the signatures of calls", () => {
  const signed = (signature: string) => call({ extra_content: { google: { thought_signature: signature } } });
  expect(sent(request({ content: null, tool_calls: [signed(sealed("gemini")), signed("c2ln")] }))).toBe(
    JSON.stringify(request({ content: null, tool_calls: [call({}), signed("c2ln")] })),
  );
});

describe("bytes without any pass as they are", () => {
  const bodies = [
    '{ "model":"m", "messages":[ {"role":"assistant","content":"ok","reasoning_details":[{"signature":"c2ln"}]} ] }',
    '{ "model":"m", "messages":[ {"role":"user","content":"\\"broke1. is a word"} ] }',
    '{ "model":"m", "messages":[ {"role":"user","content":"broke1.x"}, 7, {"reasoning_details":"none"} ] }',
    '{ "model":"m", "messages":"broke1.x" }',
  ];
  for (const body of bodies) {
    test(body, () => {
      expect(new TextDecoder().decode(chatPass.prepare(bytesOf(body), target).body)).toBe(body);
    });
  }
});
