// Tools of free text where only functions are known: wrapped, and unwrapped again.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { CustomTool, HubEvent, Stop } from "#src/wire/canonical.ts";
import { customSchema, unwrapInput, unwrapLast, unwrapStream, wrapInput } from "#src/wire/custom.ts";
import type { StreamDecoder } from "#src/wire/dialect.ts";

describe("the function that stands for a tool", () => {
  const described = (format?: Json) => {
    const tool: CustomTool = { kind: "custom", name: "patch", ...(format === undefined ? {} : { format }) };
    return customSchema(tool);
  };
  const schema = (description: string): Json => ({
    type: "object",
    properties: { input: { type: "string", description } },
    required: ["input"],
    additionalProperties: false,
  });
  const plain = schema("The whole input of the tool, as plain text.");

  test("tells its grammar in words", () => {
    const grammar = { type: "grammar", syntax: "lark", definition: "start: x" };
    const text = "The whole input of the tool, as plain text that follows this lark grammar:\nstart: x";
    expect(described(grammar)).toEqual(schema(text));
  });
  test("has none to tell", () => {
    expect([undefined, { type: "text" }, "odd"].map((format) => described(format))).toEqual([plain, plain, plain]);
  });
});

test("text survives being wrapped", () => {
  for (const text of ["", '*** Begin "x"\n\\', "👋\u2028"]) expect(unwrapInput(wrapInput(text))).toBe(text);
});

test("arguments without a text are the provider's fault, but where half a call may be found", () => {
  const halves: Stop[] = [{ kind: "max_tokens" }, { kind: "context_window" }, { kind: "refusal" }];
  const wholes: Stop[] = [{ kind: "tool_use" }, { kind: "end" }, { kind: "unknown", raw: "x" }];
  for (const args of ["", '{"input":"a', '{"input":1}', '["a"]', "{}"]) {
    expect(() => unwrapInput(args)).toThrow("no text");
    for (const stop of halves) expect(unwrapLast(args, stop)).toBeUndefined();
    for (const stop of wholes) expect(() => unwrapLast(args, stop)).toThrow("no text");
  }
  expect(unwrapLast('{"input":"a"}', { kind: "max_tokens" })).toBe("a");
});

describe("in a stream", () => {
  const begin = (key: string, callKind: "custom" | "function"): HubEvent => ({
    kind: "blockStart",
    key,
    head: { kind: "tool_call", id: key, name: "patch", callKind },
  });
  const delta = (key: string, text: string): HubEvent => ({ kind: "delta", key, text });
  const end = (key: string): HubEvent => ({ kind: "blockEnd", key });
  const stop = (kind: "tool_use" | "max_tokens" | "refusal"): HubEvent => ({ kind: "stop", stop: { kind } });
  const usage: HubEvent = {
    kind: "usage",
    usage: { inputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 1, reasoningTokens: 0 },
  };
  const broken: HubEvent = {
    kind: "error",
    error: { status: 502, type: "server", message: "the provider's call of a free-text tool has no text" },
  };
  /** Gives one event after the other, whatever it is asked. */
  const scripted = (events: HubEvent[]): HubEvent[] => {
    const left = [...events];
    const inner: StreamDecoder = { push: () => left.splice(0, 1), end: () => left.splice(0) };
    const decoder = unwrapStream(inner);
    const out = events.slice(1).flatMap(() => decoder.push({ event: "message", data: "" }));
    return [...out, ...decoder.end()];
  };

  const table: [string, HubEvent[], HubEvent[]][] = [
    [
      "the text comes whole, at the end of the call",
      [begin("a", "custom"), delta("a", '{"in'), delta("a", 'put":"x"}'), end("a"), usage, stop("tool_use")],
      [begin("a", "custom"), delta("a", "x"), end("a"), usage, stop("tool_use")],
    ],
    [
      "functions beside it are not held",
      [begin("a", "custom"), begin("b", "function"), delta("b", "{"), delta("a", '{"input":""}'), end("b"), end("a")],
      [begin("a", "custom"), begin("b", "function"), delta("b", "{"), end("b"), delta("a", ""), end("a")],
    ],
    [
      "a call that was left open has its text all the same",
      [begin("a", "custom"), delta("a", '{"input":"x"}'), stop("tool_use")],
      [begin("a", "custom"), delta("a", "x"), stop("tool_use")],
    ],
    [
      "half a call that was left open has none",
      [begin("a", "custom"), delta("a", '{"input":"x'), stop("max_tokens")],
      [begin("a", "custom"), stop("max_tokens")],
    ],
    [
      "half a call that ended with the answer has none",
      [begin("a", "custom"), delta("a", '{"input":"x'), end("a"), usage, stop("max_tokens")],
      [begin("a", "custom"), usage, stop("max_tokens")],
    ],
    [
      "nor has one that was refused",
      [begin("a", "custom"), end("a"), stop("refusal")],
      [begin("a", "custom"), stop("refusal")],
    ],
    [
      "a whole answer has no half calls",
      [begin("a", "custom"), delta("a", "{}"), end("a"), usage, stop("tool_use")],
      [begin("a", "custom"), usage, broken],
    ],
    [
      "nothing follows a half call",
      [begin("a", "custom"), delta("a", "{}"), end("a"), begin("b", "function"), stop("max_tokens")],
      [begin("a", "custom"), broken],
    ],
    [
      "nor goes anything on",
      [begin("b", "function"), begin("a", "custom"), end("a"), delta("b", "x"), stop("max_tokens")],
      [begin("b", "function"), begin("a", "custom"), broken],
    ],
    ["an error is the last word", [begin("a", "custom"), broken, stop("tool_use")], [begin("a", "custom"), broken]],
  ];
  for (const [name, events, expected] of table) {
    test(name, () => expect(scripted(events)).toEqual(expected));
  }
});
