// A canonical answer as a Chat client gets it whole, and errors in its own words.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { CanonicalResponse } from "#src/wire/canonical.ts";
import { chatInbound } from "#src/wire/chat/codec.ts";
import type { WireError } from "#src/wire/errors.ts";
import { canonical, loadCases, META } from "../cases.ts";

type AnswerCase = { response: CanonicalResponse; client: Json };

describe("a canonical answer becomes a completion", () => {
  for (const { name, response, client } of loadCases<AnswerCase>("chat-client/response")) {
    test(name, () => {
      expect(chatInbound.encodeResponse(response, { ...META, estimate: 9 })).toEqual(client);
    });
  }
});

test("a client from before there were tools hears of one call, in the form it reads", () => {
  const call = (id: string, argsRaw: string) => ({ kind: "tool_call", id, name: "f", argsRaw, callKind: "function" });
  const response = { blocks: [call("a", '{"x":1}'), call("b", "{}")], stop: { kind: "tool_use" }, usage: null };
  const request = canonical({ legacyCalls: true });
  const answer = chatInbound.encodeResponse(response as CanonicalResponse, { ...META, request });
  expect(answer).toMatchObject({
    choices: [{ message: { function_call: { name: "f", arguments: '{"x":1}' } }, finish_reason: "function_call" }],
  });
  expect(JSON.stringify(answer)).not.toContain("tool_calls");
});

describe("an error reaches the client in its own words", () => {
  const table: [WireError["type"], number, string, string | null][] = [
    ["invalid_request", 400, "invalid_request_error", null],
    ["context_window", 400, "invalid_request_error", "context_length_exceeded"],
    ["authentication", 401, "authentication_error", "invalid_api_key"],
    ["billing", 429, "insufficient_quota", "insufficient_quota"],
    ["permission", 403, "permission_error", null],
    ["not_found", 404, "invalid_request_error", "model_not_found"],
    ["too_large", 413, "invalid_request_error", "request_too_large"],
    ["rate_limit", 429, "rate_limit_error", "rate_limit_exceeded"],
    ["overloaded", 503, "server_error", "overloaded"],
    ["timeout", 504, "server_error", "timeout"],
    ["server", 500, "server_error", null],
  ];
  for (const [type, status, theirs, code] of table) {
    test(type, () => {
      expect(chatInbound.encodeError({ status, type, message: "why" })).toEqual({
        status,
        body: { error: { message: "why", type: theirs, param: null, code } },
      });
    });
  }
});
