// A Messages stream that passes: the same bytes, whatever way they come; what it cost; how it ended.

import { describe, expect, test } from "bun:test";
import { parseJson } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";
import { CUT, type Cost, noCost } from "#src/wire/flow.ts";
import { messagesInbound } from "#src/wire/messages/codec.ts";
import { messagesPass } from "#src/wire/messages/pass.ts";
import { passFlow } from "#src/wire/pass.ts";
import { formatSse } from "#src/wire/sse.ts";
import { META, SCOPE } from "./cases.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const sse = (...events: { type: string; [key: string]: unknown }[]) =>
  events.map((event) => formatSse(event.type, JSON.stringify(event))).join("");
const redact = makeRedactor(["the-SECRET-value"]);
const target = { model: "upstream-model", stream: true, scope: SCOPE };
const watch = () => messagesPass.prepare(bytes("{}"), target).watchStream();
const flow = () => passFlow(watch(), messagesInbound.encodeStream(META), redact);

const usage = { input_tokens: 10, cache_creation_input_tokens: 5, cache_read_input_tokens: 7, output_tokens: 1 };
const start = { type: "message_start", message: { usage } };
const opened = { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } };
const word = {
  type: "content_block_delta",
  index: 0,
  delta: { type: "text_delta", text: '{"usage":{"output_tokens":999}} 👋' },
};
const last = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 42 } };
const stop = { type: "message_stop" };
const counted: Cost = { input: 10, output: 42, cacheRead: 7, cacheWrite: 5 };
const errorEvent = (type: string, message: string) =>
  formatSse("error", JSON.stringify({ type: "error", error: { type, message } }));
const cut = errorEvent("api_error", CUT);

const streams: { name: string; sent: string; got: string; phase: string; cost: Cost }[] = [
  {
    name: "a whole answer",
    sent: sse(start, { type: "ping" }, opened, word, last, stop),
    got: sse(start, { type: "ping" }, opened, word, last, stop),
    phase: "done",
    cost: counted,
  },
  {
    name: "totals in the last message win",
    sent: sse(start, { ...last, usage: { input_tokens: 11, output_tokens: 2 } }, stop),
    got: sse(start, { ...last, usage: { input_tokens: 11, output_tokens: 2 } }, stop),
    phase: "done",
    cost: { ...counted, input: 11, output: 2 },
  },
  {
    name: "cut after content",
    sent: sse(start, opened, word),
    got: sse(start, opened, word) + cut,
    phase: "failed",
    cost: { ...counted, output: 1 },
  },
  {
    name: "cut before the last word",
    sent: sse(start, last),
    got: sse(start, last) + cut,
    phase: "failed",
    cost: counted,
  },
  {
    name: "cut inside an event: half of one helps nobody",
    sent: `${sse(start, opened)}event: content_block_delta\ndata: {"type":"conte`,
    got: sse(start, opened) + cut,
    phase: "failed",
    cost: { ...counted, output: 1 },
  },
  {
    name: "an error in the middle",
    sent: sse(
      start,
      opened,
      { type: "error", error: { type: "overloaded_error", message: "busy the-SECRET-value" } },
      word,
    ),
    got: sse(start, opened) + errorEvent("overloaded_error", "busy [redacted]"),
    phase: "failed",
    cost: { ...counted, output: 1 },
  },
  {
    name: "an error of a kind nobody knows",
    sent: sse({ type: "error", error: { type: "new_error", message: "x" } }),
    got: errorEvent("api_error", "x"),
    phase: "failed",
    cost: noCost,
  },
  {
    name: "no blank line at the end",
    sent: sse(start, opened, last, stop).trimEnd(),
    got: sse(start, opened, last, stop),
    phase: "done",
    cost: counted,
  },
  {
    name: "events of a kind nobody knows, and fields of the data, stay",
    sent: sse(start, { type: "new_thing", x: 1.0 }, opened, stop),
    got: sse(start, { type: "new_thing", x: 1.0 }, opened, stop),
    phase: "done",
    cost: { ...counted, output: 1 },
  },
  {
    name: "what is not JSON is passed and not understood",
    sent: `event: message_start\ndata: {\n\n${sse(opened, stop)}`,
    got: `event: message_start\ndata: {\n\n${sse(opened, stop)}`,
    phase: "done",
    cost: noCost,
  },
  {
    name: "events without names",
    sent: `data: ${JSON.stringify(start)}\n\ndata: ${JSON.stringify(opened)}\n\ndata: ${JSON.stringify(stop)}\n\n`,
    got: `data: ${JSON.stringify(start)}\n\ndata: ${JSON.stringify(opened)}\n\ndata: ${JSON.stringify(stop)}\n\n`,
    phase: "done",
    cost: { ...counted, output: 1 },
  },
  { name: "nothing", sent: "", got: cut, phase: "failed", cost: noCost },
];

describe("a stream that passes", () => {
  for (const { name, sent, got, phase, cost } of streams) {
    test(name, () => {
      const all = bytes(sent);
      for (let at = 0; at <= all.length; at++) {
        const passed = flow();
        const out = [passed.push(all.subarray(0, at)), passed.push(all.subarray(at)), passed.end()];
        const text = new TextDecoder().decode(Buffer.concat(out));
        if (text !== got || passed.phase() !== phase)
          expect({ at, text, phase: passed.phase() }).toEqual({ at, text: got, phase: phase as "done" });
        expect(passed.cost()).toEqual(cost);
      }
    });
  }

  test("nothing is committed before content comes", () => {
    const passed = flow();
    const phases = [start, { type: "ping" }, opened, last, stop].map((event) => {
      passed.push(bytes(sse(event)));
      return passed.phase();
    });
    expect(phases).toEqual(["held", "held", "live", "live", "done"]);
  });

  test("a failure from outside is the client's own error, once", () => {
    const passed = flow();
    passed.push(bytes(sse(start, opened)));
    expect(
      new TextDecoder().decode(passed.fail({ status: 502, type: "server", message: "lost the-SECRET-value" })),
    ).toBe(errorEvent("api_error", "lost [redacted]"));
    expect(passed.failure()).toEqual({ status: 502, type: "server", message: "lost [redacted]" });
    expect(passed.ping()).toHaveLength(0);
  });
});

describe("a whole answer that passes", () => {
  test("what it cost", () => {
    const body = { type: "message", usage: { input_tokens: 3, output_tokens: 4, cache_read_input_tokens: null } };
    expect(messagesPass.readWhole(body)).toEqual({ ...noCost, input: 3, output: 4 });
  });
  for (const body of ["", "{", "[]", "<html>", '{"type":"error","error":{}}', '{"id":"x"}']) {
    test(`no message: ${body}`, () => {
      expect(() => messagesPass.readWhole(parseJson(body))).toThrow("not a message");
    });
  }
});
