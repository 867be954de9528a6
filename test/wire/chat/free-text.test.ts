// Tools of free text at a Chat backend: as what they are where it takes them, as functions where it does not.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, HubEvent } from "#src/wire/canonical.ts";
import { chatOutbound } from "#src/wire/chat/codec.ts";
import { bytesOf, callTo, decodePieces, type Members, single } from "../cases.ts";

const format = { type: "grammar", syntax: "lark", definition: "start: x" };
const request: Partial<CanonicalRequest> = {
  tools: [{ kind: "custom", name: "patch", description: "edits", format }],
  toolChoice: { kind: "tool", name: "patch" },
  messages: [
    {
      role: "assistant",
      path: "messages[0]",
      blocks: [{ kind: "tool_call", id: "p0", name: "patch", argsRaw: '"x"', callKind: "custom" }],
    },
    {
      role: "user",
      path: "messages[1]",
      blocks: [{ kind: "tool_result", callId: "p0", isError: false, content: [{ kind: "text", text: "done" }] }],
    },
  ],
};
const native = (stream = false) => callTo(chatOutbound, request, { customTools: true }, stream);
const wrapped = (stream = false) => callTo(chatOutbound, request, {}, stream);
const call = (argsRaw: string) => ({ kind: "tool_call", id: "p1", name: "patch", callKind: "custom", argsRaw });
const answer = (made: Members, reason: string): Json => ({
  choices: [{ message: { content: "so", tool_calls: [made] }, finish_reason: reason }],
});
const custom = (input: string): Members => ({ id: "p1", type: "custom", custom: { name: "patch", input } });
const standing = (args: string): Members => ({
  id: "p1",
  type: "function",
  function: { name: "patch", arguments: args },
});
const events = (decoder: ReturnType<typeof native>, ...chunks: Json[]) =>
  decodePieces(
    decoder.decodeStream(),
    single(bytesOf(chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(""))),
  );
const chunk = (made: Members | null, reason: string | null = null): Json => ({
  choices: [{ delta: made === null ? {} : { tool_calls: [{ index: 0, ...made }] }, finish_reason: reason }],
});

describe("a backend that takes them", () => {
  test("gets them", () => {
    expect(native().body).toEqual({
      model: "upstream-model",
      messages: [
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "p0", type: "custom", custom: { name: "patch", input: '"x"' } }],
        },
        { role: "tool", tool_call_id: "p0", content: "done" },
      ],
      tools: [
        {
          type: "custom",
          custom: {
            name: "patch",
            description: "edits",
            format: { type: "grammar", grammar: { syntax: "lark", definition: "start: x" } },
          },
        },
      ],
      tool_choice: { type: "custom", custom: { name: "patch" } },
    });
  });

  test("calls them with text", () => {
    expect(native().decodeResponse(answer(custom('*** "x"'), "tool_calls")).blocks).toEqual([
      { kind: "text", text: "so" },
      call('*** "x"') as never,
    ]);
  });

  test("streams the text as it comes", () => {
    const made = events(
      native(true),
      chunk(custom("")),
      chunk({ custom: { input: "*** " } }),
      chunk({ custom: { input: "x" } }, "tool_calls"),
    );
    const head = { kind: "tool_call", id: "p1", name: "patch", callKind: "custom" } as const;
    const expected: HubEvent[] = [
      { kind: "start" },
      { kind: "blockStart", key: "call:0", head },
      { kind: "delta", key: "call:0", text: "*** x" },
      { kind: "blockEnd", key: "call:0" },
      { kind: "stop", stop: { kind: "tool_use" } },
    ];
    expect(made).toEqual(expected);
  });
});

describe("a backend that takes functions only", () => {
  test("gets a function with one text", () => {
    const body = wrapped().body as { messages: Members[]; tools: Members[]; tool_choice: Json };
    expect(body.messages[0]?.["tool_calls"]).toEqual([
      { id: "p0", type: "function", function: { name: "patch", arguments: '{"input":"\\"x\\""}' } },
    ]);
    expect(body.tools[0]).toMatchObject({ type: "function", function: { parameters: { required: ["input"] } } });
    expect(body.tool_choice).toEqual({ type: "function", function: { name: "patch" } });
  });

  test("has its call unwrapped, whole", () => {
    expect(wrapped().decodeResponse(answer(standing('{"input":"x"}'), "tool_calls")).blocks[1]).toEqual(
      call("x") as never,
    );
    expect(() => wrapped().decodeResponse(answer(standing("{}"), "tool_calls"))).toThrow("no text");
  });

  test("half a call behind a limit is none", () => {
    expect(wrapped().decodeResponse(answer(standing('{"input":"x'), "length"))).toMatchObject({
      blocks: [{ kind: "text", text: "so" }],
      stop: { kind: "max_tokens" },
    });
    const made = events(wrapped(true), chunk(standing('{"input":"x')), chunk(null, "length"));
    expect(made.slice(-2)).toEqual([
      { kind: "blockStart", key: "call:0", head: { kind: "tool_call", id: "p1", name: "patch", callKind: "custom" } },
      { kind: "stop", stop: { kind: "max_tokens" } },
    ]);
  });

  test("nor does a call that never got its name fail an answer that a limit cut", () => {
    const nameless = chunk({ id: "p1", function: { arguments: "{" } });
    expect(events(wrapped(true), nameless, chunk(null, "length")).at(-1)).toEqual({
      kind: "stop",
      stop: { kind: "max_tokens" },
    });
    expect(events(wrapped(true), nameless, chunk(null, "tool_calls")).at(-1)?.kind).toBe("error");
  });
});
