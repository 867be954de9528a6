// Canonical events as a Chat client sees them: one case a file, what holds of every stream, and what OpenAI's own client makes of it.

import { describe, expect, test } from "bun:test";
import OpenAI from "openai";
import { ChatCompletionStream } from "openai/lib/ChatCompletionStream";
import { Stream } from "openai/streaming";
import type { Json } from "#src/core/json.ts";
import type { HubEvent } from "#src/wire/canonical.ts";
import { chatInbound } from "#src/wire/chat/codec.ts";
import { canonical, loadCases, type Members, META } from "../cases.ts";
import { clientChunks, view } from "./cases.ts";

type StreamCase = { usage?: boolean; events: HubEvent[]; client: Json[] };
const cases = loadCases<StreamCase>("chat-client/stream");
const metaFor = (streamUsage = false) => ({ ...META, estimate: 9, request: canonical({ streamUsage }) });
const write = ({ usage, events }: StreamCase) => {
  const encoder = chatInbound.encodeStream(metaFor(usage));
  return events.map((event) => encoder.push(event)).join("");
};
const failure = { status: 502, type: "server", message: "cut" } as const;
const errorChunk = { error: { message: "cut", type: "server_error", code: null, param: null } };

describe("canonical events become a Chat stream", () => {
  for (const each of cases) {
    test(each.name, () => {
      expect(clientChunks(write(each)).map(view)).toEqual(each.client);
    });
  }
});

describe("every stream begins with who speaks, counts its calls from 0 and ends once", () => {
  for (const each of cases) {
    test(each.name, () => {
      const chunks = clientChunks(write(each));
      const failed = each.events.at(-1)?.kind === "error";
      expect(chunks.filter((chunk) => chunk === "[DONE]").length).toBe(failed ? 0 : 1);
      expect(chunks.filter((chunk) => (chunk as Members)["error"] !== undefined).length).toBe(failed ? 1 : 0);
      expect(view(chunks[0]!)).toEqual(
        failed && chunks.length === 1 ? chunks[0]! : { delta: { role: "assistant", content: "" } },
      );
      const calls = chunks.flatMap((chunk) => {
        const { delta } = view(chunk) as { delta?: { tool_calls?: { index: number; id?: string }[] } };
        return (delta?.tool_calls ?? []).flatMap(({ index, id }) => (id === undefined ? [] : [index]));
      });
      expect(calls).toEqual(calls.map((_, at) => at));
    });
  }
});

describe("every stream that is cut fails without a normal end", () => {
  for (const { name, events, usage } of cases) {
    test(name, () => {
      for (let count = 0; count < events.length; count++) {
        const encoder = chatInbound.encodeStream(metaFor(usage));
        const before = events.slice(0, count).map((event) => encoder.push(event));
        expect(before.join("")).not.toContain("[DONE]");
        expect(clientChunks(encoder.fail(failure))).toEqual([errorChunk]);
        const after = [
          encoder.fail(failure),
          encoder.push(events.at(-1)!),
          encoder.push({ kind: "start" }),
          encoder.ping(),
        ];
        expect(after).toEqual(["", "", "", ""]);
      }
    });
  }
});

describe("OpenAI's own client reads the same answer", () => {
  for (const each of cases) {
    test(each.name, async () => {
      const response = new Response(write(each), { headers: { "content-type": "text/event-stream" } });
      const stream = Stream.fromSSEResponse<OpenAI.ChatCompletionChunk>(response, new AbortController());
      const read = ChatCompletionStream.fromReadableStream(stream.toReadableStream());
      const last = each.events.at(-1);
      if (last?.kind === "error") return await expect(read.finalChatCompletion()).rejects.toThrow(last.error.message);
      const { choices } = await read.finalChatCompletion();
      const message = choices[0]?.message;
      const blocks = new Map<string, { kind: string; id?: string; text: string }>();
      for (const event of each.events) {
        if (event.kind === "blockStart") blocks.set(event.key, { ...event.head, text: "" });
        if (event.kind === "delta") blocks.get(event.key)!.text += event.text;
      }
      const text = [...blocks.values()].flatMap((block) => (block.kind === "text" ? [block.text] : [])).join("");
      expect(message?.content ?? "").toBe(text);
      const ids = [...blocks.values()].flatMap((block) => (block.kind === "tool_call" ? [block.id] : []));
      expect((message?.tool_calls ?? []).map(({ id }) => id)).toEqual(ids as string[]);
      const proofs = each.events.flatMap((event) => {
        if (event.kind === "signature") return [event.signature];
        return event.kind === "blockStart" && event.head.kind === "thinking" ? (event.head.redacted ?? []) : [];
      });
      const kept = (message ?? {}) as { reasoning_details?: { signature: string }[] };
      expect((kept.reasoning_details ?? []).map(({ signature }) => signature)).toEqual(proofs);
    });
  }
});

test("a client from before there were tools hears of one call, in the form it reads", () => {
  const encoder = chatInbound.encodeStream({ ...META, request: canonical({ legacyCalls: true }) });
  const call = (key: string, args: string): HubEvent[] => [
    { kind: "blockStart", key, head: { kind: "tool_call", id: key, name: "f", callKind: "function" } },
    { kind: "delta", key, text: args },
    { kind: "blockEnd", key },
  ];
  const events: HubEvent[] = [...call("a", '{"x":'), ...call("b", "{}"), { kind: "stop", stop: { kind: "tool_use" } }];
  const chunks = clientChunks(events.map((event) => encoder.push(event)).join(""));
  expect(chunks.map(view)).toEqual([
    { delta: { role: "assistant", content: "" } },
    { delta: { function_call: { name: "f", arguments: "" } } },
    { delta: { function_call: { arguments: '{"x":' } } },
    { delta: {}, finish_reason: "function_call" },
    "[DONE]",
  ]);
});

test("a chunk has what OpenAI's SDK requires", () => {
  const [first] = clientChunks(chatInbound.encodeStream(META).push({ kind: "start" }));
  const chunk: OpenAI.ChatCompletionChunk = {
    id: "msg_1",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: "asked-model",
    choices: [{ index: 0, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null }],
  };
  expect(first).toEqual(chunk as unknown as Json);
});

test("what has ended does not fail", () => {
  const encoder = chatInbound.encodeStream(META);
  encoder.push({ kind: "stop", stop: { kind: "end" } });
  expect([encoder.fail(failure), encoder.ping()]).toEqual(["", ""]);
});

test("pings are comments", () => {
  expect(chatInbound.encodeStream(META).ping()).toBe(": keep-alive\n\n");
});
