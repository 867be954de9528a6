// A Chat stream as a Messages client sees it: one case a file, then the same under every way the bytes can be cut.

import { describe, expect, test } from "bun:test";
import { MessageStream } from "@anthropic-ai/sdk/lib/MessageStream";
import { Stream } from "@anthropic-ai/sdk/streaming";
import type { Json } from "#src/core/json.ts";
import { messagesInbound } from "#src/wire/messages/codec.ts";
import { chatCall, clientEvents, loadCases, META, translateStream, upstreamBytes } from "./cases.ts";

type StreamCase = { request?: { [key: string]: Json }; estimate?: number; upstream: Json[]; client: Json };

const cases = loadCases<StreamCase>("stream");
const callFor = (request: { [key: string]: Json } = {}) =>
  chatCall({ model: "asked-model", max_tokens: 64, messages: [], ...request });

describe("a Chat stream becomes a Messages stream", () => {
  for (const { name, request, estimate, upstream, client } of cases) {
    test(name, () => {
      expect(clientEvents(translateStream(callFor(request), [upstreamBytes(upstream)], estimate))).toEqual(
        client as Json[],
      );
    });
  }
});

describe("how the bytes are cut makes no difference", () => {
  for (const { name, request, estimate, upstream } of cases) {
    test(name, () => {
      const bytes = upstreamBytes(upstream);
      const run = (pieces: Iterable<Uint8Array>) => translateStream(callFor(request), pieces, estimate);
      const whole = run([bytes]);
      for (let at = 1; at < bytes.length; at++) {
        const cut = run([bytes.subarray(0, at), bytes.subarray(at)]);
        if (cut !== whole) expect({ at, cut }).toEqual({ at, cut: whole });
      }
      expect(run(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toBe(whole);
      const crlf = new TextEncoder().encode(new TextDecoder().decode(bytes).replaceAll("\n", "\r\n"));
      expect(run(Array.from(crlf, (_, at) => crlf.subarray(at, at + 1)))).toBe(whole);
    });
  }
});

describe("every answer ends once, and only a finished one ends well", () => {
  for (const { name, request, upstream } of cases) {
    test(name, () => {
      const bytes = upstreamBytes(upstream);
      const text = new TextDecoder().decode(bytes);
      const finishes = text.lastIndexOf('"finish_reason":"');
      const call = callFor(request);
      for (let at = 0; at <= bytes.length; at += 7) {
        const types = clientEvents(translateStream(call, [bytes.subarray(0, at)])).map(
          (event) => (event as { type: string }).type,
        );
        const last = types.filter((type) => type === "message_stop" || type === "error");
        expect(last.length).toBe(1);
        expect(types.at(-1)).toBe(last[0]!);
        if (finishes < 0 || at <= finishes) expect(last).toEqual(["error"]);
        expect(types.filter((type) => type === "message_start").length).toBeLessThanOrEqual(1);
      }
    });
  }
});

describe("Anthropic's own client reads the same answer", () => {
  for (const { name, request, estimate, upstream, client } of cases) {
    test(name, async () => {
      const sse = translateStream(callFor(request), [upstreamBytes(upstream)], estimate);
      const response = new Response(sse, { headers: { "content-type": "text/event-stream" } });
      const stream = Stream.fromSSEResponse(response, new AbortController());
      const read = MessageStream.fromReadableStream(stream.toReadableStream());
      const events = client as { type: string; error?: { message: string }; content_block?: { type: string } }[];
      const last = events.at(-1);
      if (last?.type === "error") return await expect(read.finalMessage()).rejects.toThrow(last.error!.message);
      const { content, usage } = await read.finalMessage();
      const begun = events.flatMap(({ content_block: block }) => (block === undefined ? [] : [block.type]));
      expect(content.map(({ type }) => type)).toEqual(begun as (typeof content)[number]["type"][]);
      expect(usage.output_tokens).toBeGreaterThanOrEqual(0);
    });
  }
});

describe("a stream encoder", () => {
  const failure = { status: 502, type: "server", message: "cut" } as const;
  const errorEvent = 'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"cut"}}\n\n';

  test("fails once, in the middle of a block too, and says nothing after that", () => {
    const encoder = messagesInbound.encodeStream(META);
    encoder.push({ kind: "start" });
    encoder.push({ kind: "blockStart", key: "a", head: { kind: "text" } });
    const after = [
      encoder.fail(failure),
      encoder.fail(failure),
      encoder.push({ kind: "blockEnd", key: "a" }),
      encoder.push({ kind: "stop", stop: { kind: "end" } }),
      encoder.ping(),
    ];
    expect(after).toEqual([errorEvent, "", "", "", ""]);
  });

  test("does not fail what has ended", () => {
    const encoder = messagesInbound.encodeStream(META);
    encoder.push({ kind: "stop", stop: { kind: "end" } });
    expect(encoder.fail(failure)).toBe("");
  });

  test("pings in Anthropic's way", () => {
    const encoder = messagesInbound.encodeStream(META);
    expect(encoder.ping()).toBe('event: ping\ndata: {"type":"ping"}\n\n');
  });

  test("sends a signature only when there is one, inside its block", () => {
    const encoder = messagesInbound.encodeStream(META);
    const sse =
      encoder.push({ kind: "blockStart", key: "a", head: { kind: "thinking", origin: "anthropic" } }) +
      encoder.push({ kind: "delta", key: "a", text: "hm" }) +
      encoder.push({ kind: "signature", key: "a", signature: "c2ln" }) +
      encoder.push({ kind: "blockEnd", key: "a" });
    expect(clientEvents(sse).slice(2)).toEqual([
      { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "hm" } },
      { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "c2ln" } },
      { type: "content_block_stop", index: 0 },
    ]);
  });
});
