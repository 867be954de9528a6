// A whole Responses answer in canonical form, and errors both ways.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, CanonicalResponse } from "#src/wire/canonical.ts";
import type { WireError } from "#src/wire/errors.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { responsesInbound, responsesOutbound } from "#src/wire/responses/codec.ts";
import { loadCases } from "../cases.ts";
import { callFor, META } from "./cases.ts";

type AnswerCase = {
  request?: Partial<CanonicalRequest>;
  quirks?: Partial<Quirks>;
  answer: Json;
  response: CanonicalResponse;
};

describe("a response becomes canonical", () => {
  for (const { name, request, quirks, answer, response } of loadCases<AnswerCase>("responses/response")) {
    test(name, () => {
      expect(callFor(request, quirks).decodeResponse(answer)).toEqual(response);
    });
  }

  const broken: [string, Json][] = [
    ["no object", "hello"],
    ["no output", { status: "completed" }],
    ["a status that is no end", { status: "in_progress", output: [] }],
    ["a failure", { status: "failed", output: [], error: { code: "server_error", message: "sorry" } }],
    ["a call without a name", { output: [{ type: "function_call", call_id: "a", arguments: "{}" }] }],
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
    const item = { type: "function_call", call_id: "a", name: "patch", arguments: "{}" };
    expect(() => call.decodeResponse({ output: [item] })).toThrow("no text");
  });
});

describe("an error inside a 200 is told apart before it is read", () => {
  const table: [string, Json, WireError | undefined][] = [
    [
      "failed",
      { status: "failed", error: { code: "rate_limit_exceeded", message: "slow" } },
      { status: 429, type: "rate_limit", message: "slow" },
    ],
    [
      "an error body",
      { error: { message: "too long", code: "context_length_exceeded" } },
      { status: 400, type: "context_window", message: "too long" },
    ],
    [
      "cancelled",
      { status: "cancelled", error: null },
      { status: 502, type: "server", message: "the provider answered with an error it did not explain" },
    ],
    ["an answer", { status: "completed", error: null, output: [] }, undefined],
    ["no object", "hello", undefined],
  ];
  for (const [name, body, error] of table) {
    test(name, () => {
      expect(callFor().errorInAnswer(body)).toEqual(error!);
    });
  }
});

test("a provider's error is read and cut", () => {
  const body = (message: string) =>
    JSON.stringify({ error: { message, type: "invalid_request_error", code: null, param: "input" } });
  expect(responsesOutbound.decodeError(400, body("no"))).toEqual({
    status: 400,
    type: "invalid_request",
    message: "no",
  });
  expect(responsesOutbound.decodeError(400, body("x".repeat(100_000))).message.length).toBe(2048);
});

describe("an answer for a Responses client", () => {
  for (const { name, response, client } of loadCases<{ response: CanonicalResponse; client: Json }>(
    "responses/client-response",
  )) {
    test(name, () => {
      expect(responsesInbound.encodeResponse(response, META)).toEqual(client);
    });
  }
});

describe("an error reaches the client in its own words", () => {
  const table: [WireError["type"], number, string, string | null][] = [
    ["invalid_request", 400, "invalid_request_error", null],
    ["context_window", 400, "invalid_request_error", "context_length_exceeded"],
    ["authentication", 401, "authentication_error", "invalid_api_key"],
    ["billing", 429, "insufficient_quota", "insufficient_quota"],
    ["rate_limit", 429, "rate_limit_error", "rate_limit_exceeded"],
    ["server", 500, "server_error", null],
  ];
  for (const [type, status, theirs, code] of table) {
    test(type, () => {
      expect(responsesInbound.encodeError({ status, type, message: "why" })).toEqual({
        status,
        body: { error: { message: "why", type: theirs, param: null, code } },
      });
    });
  }
});
