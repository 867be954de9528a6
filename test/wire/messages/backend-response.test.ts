// A whole Anthropic answer in canonical form, and Anthropic's errors.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, CanonicalResponse } from "#src/wire/canonical.ts";
import type { WireError } from "#src/wire/errors.ts";
import { messagesOutbound } from "#src/wire/messages/codec.ts";
import { callTo, loadCases } from "../cases.ts";

type AnswerCase = { request?: Partial<CanonicalRequest>; answer: Json; response: CanonicalResponse };
const callFor = (request?: Partial<CanonicalRequest>) => callTo(messagesOutbound, request);

describe("a message becomes canonical", () => {
  for (const { name, request, answer, response } of loadCases<AnswerCase>("messages-backend/response")) {
    test(name, () => {
      expect(callFor(request).decodeResponse(answer)).toEqual(response);
    });
  }

  const broken: [string, Json][] = [
    ["no object", "hello"],
    ["no content", { stop_reason: "end_turn" }],
    ["no reason to have ended", { content: [{ type: "text", text: "hello" }], stop_reason: null }],
    ["a call without a name", { content: [{ type: "tool_use", id: "a", input: {} }], stop_reason: "tool_use" }],
    ["a block without a type", { content: [{ text: "hello" }], stop_reason: "end_turn" }],
  ];
  for (const [name, answer] of broken) {
    test(`${name} is a failure of the provider`, () => {
      expect(() => callFor().decodeResponse(answer)).toThrow(
        expect.objectContaining({ kind: "upstream" }) as unknown as Error,
      );
    });
  }

  test("a function that stands for a tool of free text must have the text", () => {
    const call = callFor({ tools: [{ kind: "custom", name: "patch" }] });
    const content = [{ type: "tool_use", id: "a", name: "patch", input: { other: 1 } }];
    expect(() => call.decodeResponse({ content, stop_reason: "tool_use" })).toThrow("no text");
  });
});

describe("an error inside a 200 is told apart before it is read", () => {
  const table: [string, Json, WireError | undefined][] = [
    [
      "overloaded",
      { type: "error", error: { type: "overloaded_error", message: "busy" } },
      { status: 529, type: "overloaded", message: "busy" },
    ],
    [
      "a type nobody knows",
      { type: "error", error: { type: "constructor", message: "what" } },
      { status: 502, type: "server", message: "what" },
    ],
    ["an answer", { type: "message", content: [] }, undefined],
    ["no object", "hello", undefined],
  ];
  for (const [name, body, error] of table) {
    test(name, () => {
      expect(callFor().errorInAnswer(body)).toEqual(error!);
    });
  }
});

describe("a provider's error is read whatever its shape", () => {
  const error = (type: Json, message: Json) => JSON.stringify({ type: "error", error: { type, message } });
  const table: [number, string, WireError][] = [
    [400, error("invalid_request_error", "no"), { status: 400, type: "invalid_request", message: "no" }],
    [401, error("authentication_error", "no"), { status: 401, type: "authentication", message: "no" }],
    [402, error("billing_error", "pay"), { status: 402, type: "billing", message: "pay" }],
    [400, error("billing_error", "pay"), { status: 400, type: "billing", message: "pay" }],
    [403, error("permission_error", "no"), { status: 403, type: "permission", message: "no" }],
    [404, error("not_found_error", "model"), { status: 404, type: "not_found", message: "model" }],
    [413, error("request_too_large", "big"), { status: 413, type: "too_large", message: "big" }],
    [429, error("rate_limit_error", "slow"), { status: 429, type: "rate_limit", message: "slow" }],
    [500, error("api_error", "oops"), { status: 500, type: "server", message: "oops" }],
    [500, error("overloaded_error", "busy"), { status: 500, type: "overloaded", message: "busy" }],
    [529, error("overloaded_error", "busy"), { status: 529, type: "overloaded", message: "busy" }],
    [504, error("timeout_error", "late"), { status: 504, type: "timeout", message: "late" }],
    [
      400,
      error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
      { status: 400, type: "context_window", message: "prompt is too long: 210000 tokens > 200000 maximum" },
    ],
    [401, error("invalid_request_error", "key"), { status: 401, type: "authentication", message: "key" }],
    [429, error("new_error", "slow"), { status: 429, type: "rate_limit", message: "slow" }],
    [500, error(null, "oops"), { status: 500, type: "server", message: "oops" }],
    [404, '{"error":"model not found"}', { status: 404, type: "not_found", message: "model not found" }],
    [422, '{"detail":"bad field"}', { status: 422, type: "invalid_request", message: "bad field" }],
    [503, '{"message":"busy"}', { status: 503, type: "overloaded", message: "busy" }],
    [502, "<html>secret page</html>", { status: 502, type: "server", message: "the provider answered 502" }],
    [
      400,
      error("invalid_request_error", null),
      { status: 400, type: "invalid_request", message: "the provider answered 400" },
    ],
    [504, "", { status: 504, type: "timeout", message: "the provider answered 504" }],
  ];
  for (const [status, text, expected] of table) {
    test(`${status} ${text.slice(0, 60)}`, () => {
      expect(messagesOutbound.decodeError(status, text)).toEqual(expected);
    });
  }

  test("a long message is cut", () => {
    expect(messagesOutbound.decodeError(400, error("x", "x".repeat(100_000))).message.length).toBe(2048);
  });
});
