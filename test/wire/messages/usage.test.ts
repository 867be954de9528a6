import { describe, expect, test } from "bun:test";
import { formatSse } from "#src/wire/sse.ts";
import { type Sniffed, sniffUsage } from "#src/wire/messages/usage.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const sse = (...events: { type: string; [key: string]: unknown }[]) =>
  events.map((event) => formatSse(event.type, JSON.stringify(event))).join("");
const nothing: Sniffed = {
  input: null,
  output: null,
  cacheRead: null,
  cacheWrite: null,
  stopReason: null,
  ended: false,
  failed: false,
};

const start = {
  type: "message_start",
  message: {
    usage: { input_tokens: 10, cache_creation_input_tokens: 5, cache_read_input_tokens: 7, output_tokens: 1 },
  },
};
const text = {
  type: "content_block_delta",
  index: 0,
  delta: { type: "text_delta", text: '{"usage":{"output_tokens":999}} 👋' },
};
const last = {
  type: "message_delta",
  delta: { stop_reason: "end_turn", stop_sequence: null },
  usage: { output_tokens: 42 },
};
const stop = { type: "message_stop" };
const counted = { ...nothing, input: 10, output: 42, cacheRead: 7, cacheWrite: 5, stopReason: "end_turn" };

const streams: [string, string, Sniffed][] = [
  ["a whole answer", sse(start, { type: "ping" }, text, last, stop), { ...counted, ended: true }],
  [
    "totals in the last message win",
    sse(start, { ...last, usage: { input_tokens: 11, output_tokens: 2 } }, stop),
    { ...counted, input: 11, output: 2, ended: true },
  ],
  ["cut before the end", sse(start, text), { ...counted, output: 1, stopReason: null }],
  ["cut before the last word", sse(start, last), counted],
  [
    "ended by an error",
    sse(start, { type: "error", error: {} }),
    { ...counted, output: 1, stopReason: null, ended: true, failed: true },
  ],
  ["no blank line at the end", sse(start, last, stop).trimEnd(), { ...counted, ended: true }],
  [
    "what is not JSON is passed over",
    `event: message_start\ndata: {\n\n${sse(last, stop)}`,
    { ...nothing, output: 42, stopReason: "end_turn", ended: true },
  ],
  [
    "what has another shape is passed over",
    sse({ type: "message_delta", usage: 7 }, stop),
    { ...nothing, ended: true },
  ],
  ["nothing at all", "", nothing],
];

describe("what a passing stream cost", () => {
  for (const [name, body, sniffed] of streams) {
    test(name, () => {
      const whole = bytes(body);
      for (let at = 0; at <= whole.length; at++) {
        const sniffer = sniffUsage(true);
        sniffer.push(whole.subarray(0, at));
        sniffer.push(whole.subarray(at));
        expect(sniffer.result()).toEqual(sniffed);
      }
    });
  }

  test("an event too large to watch does not break the answer", () => {
    const sniffer = sniffUsage(true);
    sniffer.push(bytes(sse(start)));
    const mebibyte = bytes("x".repeat(1024 * 1024));
    sniffer.push(bytes("data: "));
    for (let count = 0; count < 17; count++) sniffer.push(mebibyte);
    expect(sniffer.result()).toEqual({ ...counted, output: 1, stopReason: null });
  });
});

describe("what a passing message cost", () => {
  const usage = { input_tokens: 3, output_tokens: 4, cache_read_input_tokens: null };
  const bodies: [string, string, Sniffed][] = [
    [
      "a message",
      JSON.stringify({ stop_reason: "tool_use", usage }),
      { ...nothing, input: 3, output: 4, stopReason: "tool_use", ended: true },
    ],
    ["not JSON", '{"usage"', nothing],
    ["no message", "[]", nothing],
    ["nothing", "", nothing],
  ];
  for (const [name, body, sniffed] of bodies) {
    test(name, () => {
      const sniffer = sniffUsage(false);
      const whole = bytes(body);
      for (let at = 0; at < whole.length; at += 5) sniffer.push(whole.subarray(at, at + 5));
      expect(sniffer.result()).toEqual(sniffed);
    });
  }
});
