// A whole Chat answer as a Messages client gets it, and errors both ways.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { chatOutbound } from "#src/wire/chat/codec.ts";
import type { WireError } from "#src/wire/errors.ts";
import { messagesInbound } from "#src/wire/messages/codec.ts";
import { chatCall, loadCases, META } from "./cases.ts";

type ResponseCase = { request?: { [key: string]: Json }; answer: Json; message: Json };
const callFor = (request: { [key: string]: Json } = {}) =>
  chatCall({ model: "asked-model", max_tokens: 64, messages: [], ...request });

describe("a Chat completion becomes a message", () => {
  for (const { name, request, answer, message } of loadCases<ResponseCase>("response")) {
    test(name, () => {
      const response = callFor(request).decodeResponse(answer);
      expect(messagesInbound.encodeResponse(response, { ...META, estimate: 9 })).toEqual(message);
    });
  }

  const half = (message: Json, reason: Json): Json => ({ choices: [{ message, finish_reason: reason }] });
  const broken: [string, Json][] = [
    ["no object", "hello"],
    ["no choices", { choices: [] }],
    ["no message", half(null, "stop")],
    ["no reason to have ended", half({ content: "hello" }, null)],
    ["a reason that means failure", half({ content: "hello" }, "error")],
    ["a call without a name", half({ tool_calls: [{ id: "a", function: { arguments: "{}" } }] }, "tool_calls")],
  ];
  for (const [name, answer] of broken) {
    test(`${name} is a failure of the provider`, () => {
      expect(() => callFor().decodeResponse(answer)).toThrow(
        expect.objectContaining({ kind: "upstream" }) as unknown as Error,
      );
    });
  }

  const called = (args: string, reason: string) =>
    callFor().decodeResponse(
      half({ content: "so:", tool_calls: [{ id: "a", function: { name: "Read", arguments: args } }] }, reason),
    );

  test("arguments that are no object are never shown as none", () => {
    for (const args of ['{"path":', "7", "[]", "null "]) {
      expect(() => messagesInbound.encodeResponse(called(args, "tool_calls"), META)).toThrow(
        expect.objectContaining({ kind: "upstream" }) as unknown as Error,
      );
    }
  });

  test("a call cut by the token limit is left out", () => {
    expect(messagesInbound.encodeResponse(called('{"path":', "length"), META)).toMatchObject({
      content: [{ type: "text", text: "so:" }],
      stop_reason: "max_tokens",
    });
  });

  test("an error inside a 200 is told apart before it is read", () => {
    const call = callFor();
    expect(call.errorInAnswer({ error: { message: "slow down", code: 429 } })).toEqual({
      status: 429,
      type: "rate_limit",
      message: "slow down",
    });
    expect(call.errorInAnswer(half({ content: "hi" }, "stop"))).toBeUndefined();
    expect(call.errorInAnswer({ error: null, choices: [] })).toBeUndefined();
  });
});

describe("a provider's error is read whatever its shape", () => {
  const openai = (error: Json) => JSON.stringify({ error });
  const table: [number, string, WireError][] = [
    [
      429,
      openai({ message: "slow", code: "rate_limit_exceeded" }),
      { status: 429, type: "rate_limit", message: "slow" },
    ],
    [429, openai({ message: "pay", code: "insufficient_quota" }), { status: 429, type: "billing", message: "pay" }],
    [
      401,
      openai({ message: "no", type: "invalid_request_error", code: null }),
      { status: 401, type: "authentication", message: "no" },
    ],
    [404, openai({ message: "no", type: "invalid_request_error" }), { status: 404, type: "not_found", message: "no" }],
    [
      400,
      openai({ message: "too much", code: "context_length_exceeded" }),
      { status: 400, type: "context_window", message: "too much" },
    ],
    [
      400,
      openai("maximum context length is 8192"),
      { status: 400, type: "context_window", message: "maximum context length is 8192" },
    ],
    [500, openai({ message: "oops", type: "rate_limit_error" }), { status: 500, type: "server", message: "oops" }],
    [422, '{"detail":"bad field"}', { status: 422, type: "invalid_request", message: "bad field" }],
    [
      403,
      '[{"error":{"message":"not here","status":"PERMISSION_DENIED"}}]',
      { status: 403, type: "permission", message: "not here" },
    ],
    [503, '{"message":"busy"}', { status: 503, type: "overloaded", message: "busy" }],
    [502, "<html>secret page</html>", { status: 502, type: "server", message: "the provider answered 502" }],
    [504, "", { status: 504, type: "timeout", message: "the provider answered 504" }],
    [402, "null", { status: 402, type: "billing", message: "the provider answered 402" }],
  ];
  for (const [status, text, error] of table) {
    test(`${status} ${text.slice(0, 50)}`, () => {
      expect(chatOutbound.decodeError(status, text)).toEqual(error);
    });
  }

  test("a long message is cut", () => {
    const { message } = chatOutbound.decodeError(400, openai({ message: "x".repeat(100_000) }));
    expect(message.length).toBe(2048);
  });
});

describe("an error reaches the client in its own words", () => {
  const table: [WireError["type"], number, string][] = [
    ["invalid_request", 400, "invalid_request_error"],
    ["authentication", 401, "authentication_error"],
    ["billing", 402, "billing_error"],
    ["permission", 403, "permission_error"],
    ["not_found", 404, "not_found_error"],
    ["too_large", 413, "request_too_large"],
    ["rate_limit", 429, "rate_limit_error"],
    ["overloaded", 529, "overloaded_error"],
    ["timeout", 504, "timeout_error"],
    ["server", 500, "api_error"],
  ];
  for (const [type, status, theirs] of table) {
    test(type, () => {
      expect(messagesInbound.encodeError({ status, type, message: "why" })).toEqual({
        status,
        body: { type: "error", error: { type: theirs, message: "why" } },
      });
    });
  }

  test("a full context is told in the words that make Claude Code compact", () => {
    expect(messagesInbound.encodeError({ status: 400, type: "context_window", message: "8192 at most" })).toEqual({
      status: 400,
      body: { type: "error", error: { type: "invalid_request_error", message: "prompt is too long: 8192 at most" } },
    });
  });
});
