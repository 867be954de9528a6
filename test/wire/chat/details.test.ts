// OpenRouter's `reasoning_details`: told once, proven, and told again to the backend they came from alone, as they came.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { Block } from "#src/wire/canonical.ts";
import { chatOutbound } from "#src/wire/chat/codec.ts";
import { collectBlocks } from "#src/wire/collect.ts";
import { messagesInbound } from "#src/wire/messages/codec.ts";
import { callTo, canonical, chatCall, decodePieces, type Members, META, SCOPE, upstreamBytes } from "../cases.ts";

const format = "anthropic-claude-v1";
const openai = "openai-responses-v1";
const call = { id: "call_a", type: "function", function: { name: "read", arguments: "{}" } };

/** `deltas` are the same answer's stream; `back`: what is told of it again, where it is not what came. */
type Case = { name: string; details: Members[]; deltas?: Members[]; thought: [string, string][]; back?: Json[] };
const signed = { type: "reasoning.text", text: "So.", signature: "c2ln", id: null, format, index: 0 };
const secret = { type: "reasoning.encrypted", data: "gAAA.=", id: "rs_1", format: openai, index: 0 };
const summary = { type: "reasoning.summary", summary: "In short.", format: openai, index: 0 };

const cases: Case[] = [
  {
    name: "signed",
    details: [signed],
    deltas: [
      { reasoning: "S", reasoning_details: [{ ...signed, text: "S", signature: null }] },
      { reasoning: "o.", reasoning_details: [{ ...signed, text: "o.", signature: null }] },
      { reasoning: "", reasoning_details: [{ ...signed, text: "" }] },
    ],
    thought: [["So.", "signature"]],
  },
  {
    name: "signed twice",
    details: [signed, { ...signed, text: "And.", signature: "c2lo", index: 1 }],
    thought: [
      ["So.", "signature"],
      ["And.", "signature"],
    ],
  },
  { name: "encrypted", details: [secret], thought: [["", "redacted"]] },
  { name: "a summary of what is encrypted", details: [summary, secret], thought: [["In short.", "signature"]] },
  {
    name: "words and what proves them",
    details: [
      { type: "reasoning.text", text: "So.", format: "google-gemini-v1", index: 0 },
      { ...secret, id: "call_a" },
    ],
    thought: [["So.", "signature"]],
    back: [
      { type: "reasoning.text", text: "So.", format: "google-gemini-v1", index: 0 },
      { ...secret, id: "call_a" },
    ],
  },
  { name: "a signature without words", details: [{ ...signed, text: "" }], thought: [["", "signature"]] },
  {
    name: "nothing that proves anything",
    details: [{ ...signed, signature: null }],
    thought: [["So.", "none"]],
    back: [],
  },
];

const target = { model: "m", stream: false, scope: SCOPE };
const wordsOf = (details: Members[]) => details.map(({ text, summary: said }) => text ?? said ?? "").join("");
const proofOf = (block: Block): [string, string][] =>
  block.kind !== "thinking" ? [] : [[block.text, block.signature ? "signature" : block.redacted ? "redacted" : "none"]];

/** What a Chat backend is told of an answer that a Messages client got. */
function toldAgain(answer: Json, scope = SCOPE) {
  const { content } = answer as { content: Json };
  const results = [{ type: "tool_result", tool_use_id: "call_a", content: "1" }];
  const messages = [
    { role: "user", content: "Hi" },
    { role: "assistant", content },
    { role: "user", content: results },
  ];
  const { request } = messagesInbound.decodeRequest({ model: "m", max_tokens: 9, messages } as Json, {
    model: "m",
    stream: false,
  });
  const { body, losses } = chatOutbound.encodeRequest(request, { ...target, scope });
  const [, said] = (body as { messages: Members[] }).messages;
  return {
    details: (said!["reasoning_details"] ?? []) as Json[],
    calls: said!["tool_calls"],
    lost: losses.map(({ what }) => what),
  };
}

describe("thinking in details", () => {
  for (const { name, details, deltas, thought, back = details } of cases) {
    const message = { content: null, reasoning: wordsOf(details), reasoning_details: details, tool_calls: [call] };

    test(`${name}: whole`, () => {
      const response = chatCall({ model: "m", max_tokens: 9, messages: [] }).decodeResponse({
        choices: [{ message, finish_reason: "tool_calls" }],
      } as Json);
      expect(response.blocks.flatMap(proofOf)).toEqual(thought);
      const again = toldAgain(messagesInbound.encodeResponse(response, META));
      expect(again.details).toEqual(back);
      expect(again.calls).toEqual([call] as Json);
      expect(again.lost).toEqual(thought.some(([, proof]) => proof === "none") ? ["thinking"] : []);
    });

    test(`${name}: streamed`, () => {
      const pieces = deltas ?? details.map((each) => ({ reasoning: wordsOf([each]), reasoning_details: [each] }));
      const events = [...pieces, { tool_calls: [{ index: 0, ...call }] }].map((delta): Json => ({
        choices: [{ index: 0, delta: delta as Json }],
      }));
      const end = { choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] };
      const decoder = callTo(chatOutbound, {}, {}, true).decodeStream();
      const heard = decodePieces(decoder, [upstreamBytes([...events, end, "data: [DONE]\n\n"])]);
      const stop = { kind: "tool_use" } as const;
      const blocks = collectBlocks(heard, { wraps: false, stop });
      expect(blocks.flatMap(proofOf)).toEqual(thought);
      const again = toldAgain(messagesInbound.encodeResponse({ blocks, stop, usage: null }, META));
      expect(again.details).toEqual(back);
    });

    test(`${name}: no other backend is told`, () => {
      const response = chatCall({ model: "m", max_tokens: 9, messages: [] }).decodeResponse({
        choices: [{ message, finish_reason: "tool_calls" }],
      } as Json);
      const again = toldAgain(messagesInbound.encodeResponse(response, META), "fedcba9876543210");
      expect(again).toEqual({ details: [], calls: [call] as Json, lost: ["thinking"] });
    });
  }

  test("details of no form that is known are passed over", () => {
    for (const details of ["no list", [null, 7, {}, { type: "reasoning.text", text: 7 }]] as Json[]) {
      const message = { content: "Hi", reasoning: "hm", reasoning_details: details };
      const { blocks } = callTo(chatOutbound).decodeResponse({ choices: [{ message, finish_reason: "stop" }] } as Json);
      expect(blocks).toEqual([
        { kind: "thinking", text: "hm", origin: null },
        { kind: "text", text: "Hi" },
      ]);
    }
  });

  test("a thought whose marks somebody changed is not told", () => {
    const thinking = {
      kind: "thinking",
      text: "x",
      signature: "details.e30.c2ln",
      origin: "openai-chat",
      scope: SCOPE,
    } as const;
    const blocks: Block[] = [thinking, { kind: "text", text: "Hi" }];
    const { body } = chatOutbound.encodeRequest(
      canonical({ messages: [{ role: "assistant", blocks, path: "messages[0]" }] }),
      target,
    );
    expect((body as { messages: Json }).messages).toEqual([{ role: "assistant", content: "Hi" }]);
  });
});
