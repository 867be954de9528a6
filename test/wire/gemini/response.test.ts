// A whole Gemini answer in canonical form, an answer for a Gemini client, and errors both ways.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, CanonicalResponse } from "#src/wire/canonical.ts";
import type { AnswerMeta } from "#src/wire/dialect.ts";
import type { WireError } from "#src/wire/errors.ts";
import { geminiInbound, geminiOutbound } from "#src/wire/gemini/codec.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { callFor, loadCases, META } from "./cases.ts";

type AnswerCase = {
  request?: Partial<CanonicalRequest>;
  quirks?: Partial<Quirks>;
  answer: Json;
  response: CanonicalResponse;
};
const upstream = expect.objectContaining({ kind: "upstream" }) as unknown as Error;

describe("a response becomes canonical", () => {
  for (const { name, request, quirks, answer, response } of loadCases<AnswerCase>("gemini/response")) {
    test(name, () => {
      expect(callFor(request, quirks).decodeResponse(answer)).toEqual(response);
    });
  }

  const candidate = (members: Json) => ({ candidates: [members] });
  const broken: [string, Json][] = [
    ["no object", "hello"],
    ["nothing", {}],
    ["no candidates", { candidates: [] }],
    ["no reason", candidate({ content: { parts: [{ text: "x" }] } })],
    ["a malformed call", candidate({ content: { parts: [{ text: "x" }] }, finishReason: "MALFORMED_FUNCTION_CALL" })],
    ["an unexpected call", candidate({ finishReason: "UNEXPECTED_TOOL_CALL" })],
    ["a call without a name", candidate({ content: { parts: [{ functionCall: {} }] }, finishReason: "STOP" })],
    ["arguments of another kind", candidate({ content: { parts: [{ functionCall: { name: "f", args: "x" } }] } })],
  ];
  for (const [name, answer] of broken) {
    test(`${name} is a failure of the provider`, () => {
      expect(() => callFor().decodeResponse(answer)).toThrow(upstream);
    });
  }

  test("a function that stands for a tool of free text must have the text", () => {
    const call = callFor({ tools: [{ kind: "custom", name: "patch" }] });
    const part = { functionCall: { name: "patch", args: {} } };
    expect(() => call.decodeResponse(candidate({ content: { parts: [part] }, finishReason: "STOP" }))).toThrow(
      "no text",
    );
  });
});

describe("an answer for a Gemini client", () => {
  type ClientCase = { response: CanonicalResponse; meta?: Partial<AnswerMeta>; client: Json };
  for (const { name, response, meta, client } of loadCases<ClientCase>("gemini/client-response")) {
    test(name, () => {
      expect(geminiInbound.encodeResponse(response, { ...META, ...meta })).toEqual(client);
    });
  }

  test("a call that is no JSON fails before anything is said", () => {
    const block = { kind: "tool_call", id: "a", name: "f", argsRaw: "{oops", callKind: "function" } as const;
    const response: CanonicalResponse = { blocks: [block], stop: { kind: "tool_use" }, usage: null };
    expect(() => geminiInbound.encodeResponse(response, META)).toThrow(upstream);
  });
});

const TYPE = "type.googleapis.com/google.rpc.";
const retry = (retryDelay: string) => ({ "@type": `${TYPE}RetryInfo`, retryDelay });
const badKey = { "@type": `${TYPE}ErrorInfo`, reason: "API_KEY_INVALID", domain: "googleapis.com" };

describe("an error inside a 200 is told apart before it is read", () => {
  const table: [string, Json, WireError | undefined][] = [
    [
      "an error",
      { error: { code: 429, message: "slow", status: "RESOURCE_EXHAUSTED", details: [retry("17s")] } },
      { status: 429, type: "rate_limit", message: "slow", retryAfterMs: 17_000 },
    ],
    [
      "an error in a list",
      [{ error: { code: 503, message: "busy", status: "UNAVAILABLE" } }],
      { status: 503, type: "overloaded", message: "busy" },
    ],
    ["an error that is a word", { error: "no" }, { status: 502, type: "server", message: "no" }],
    ["an answer", { candidates: [] }, undefined],
    ["a list of answers", [{ candidates: [] }], undefined],
    ["no object", "hello", undefined],
  ];
  for (const [name, body, error] of table) {
    test(name, () => {
      expect(callFor().errorInAnswer(body)).toEqual(error!);
    });
  }
});

describe("a provider's error is read", () => {
  const body = (status: string, message: string, details?: Json[]) =>
    JSON.stringify({ error: { code: 0, message, status, ...(details === undefined ? {} : { details }) } });
  const table: [string, number, string, WireError][] = [
    [
      "argument",
      400,
      body("INVALID_ARGUMENT", "Invalid JSON payload"),
      { status: 400, type: "invalid_request", message: "Invalid JSON payload" },
    ],
    [
      "wrong key by its reason",
      400,
      body("INVALID_ARGUMENT", "Bad.", [badKey]),
      { status: 401, type: "authentication", message: "Bad." },
    ],
    [
      "wrong key by its words",
      400,
      body("INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
      { status: 401, type: "authentication", message: "API key not valid. Please pass a valid API key." },
    ],
    [
      "key that is missing",
      403,
      body("PERMISSION_DENIED", "Method doesn't allow unregistered callers"),
      { status: 403, type: "permission", message: "Method doesn't allow unregistered callers" },
    ],
    [
      "context window",
      400,
      body(
        "INVALID_ARGUMENT",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
      ),
      {
        status: 400,
        type: "context_window",
        message: "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
      },
    ],
    [
      "quota with a delay",
      429,
      body("RESOURCE_EXHAUSTED", "Quota exceeded", [{ "@type": `${TYPE}Help` }, retry("17.25s")]),
      { status: 429, type: "rate_limit", message: "Quota exceeded", retryAfterMs: 17_250 },
    ],
    [
      "quota with a delay nobody can read",
      429,
      body("RESOURCE_EXHAUSTED", "Quota exceeded", [retry("soon")]),
      { status: 429, type: "rate_limit", message: "Quota exceeded" },
    ],
    ["model", 404, body("NOT_FOUND", "no model"), { status: 404, type: "not_found", message: "no model" }],
    ["inside", 500, body("INTERNAL", "oops"), { status: 500, type: "server", message: "oops" }],
    ["overload", 503, body("UNAVAILABLE", "busy"), { status: 503, type: "overloaded", message: "busy" }],
    ["deadline", 504, body("DEADLINE_EXCEEDED", "late"), { status: 504, type: "timeout", message: "late" }],
    ["a list", 503, `[${body("UNAVAILABLE", "busy")}]`, { status: 503, type: "overloaded", message: "busy" }],
    ["a page", 502, "<html>secret</html>", { status: 502, type: "server", message: "the provider answered 502" }],
  ];
  for (const [name, status, text, error] of table) {
    test(name, () => {
      expect(geminiOutbound.decodeError(status, text)).toEqual(error);
    });
  }

  test("and cut", () => {
    expect(geminiOutbound.decodeError(400, body("INVALID_ARGUMENT", "x".repeat(100_000))).message.length).toBe(2048);
  });
});

describe("an error reaches the client in Google's words", () => {
  const table: [WireError["type"], number, string][] = [
    ["invalid_request", 400, "INVALID_ARGUMENT"],
    ["context_window", 400, "INVALID_ARGUMENT"],
    ["authentication", 401, "UNAUTHENTICATED"],
    ["billing", 429, "RESOURCE_EXHAUSTED"],
    ["permission", 403, "PERMISSION_DENIED"],
    ["not_found", 404, "NOT_FOUND"],
    ["too_large", 413, "INVALID_ARGUMENT"],
    ["rate_limit", 429, "RESOURCE_EXHAUSTED"],
    ["overloaded", 503, "UNAVAILABLE"],
    ["timeout", 504, "DEADLINE_EXCEEDED"],
    ["server", 500, "INTERNAL"],
  ];
  for (const [type, code, status] of table) {
    test(type, () => {
      expect(geminiInbound.encodeError({ status: code, type, message: "why" })).toEqual({
        status: code,
        body: { error: { code, message: "why", status } },
      });
    });
  }

  test("with the time to wait, which is read again as it was", () => {
    const error: WireError = { status: 429, type: "rate_limit", message: "slow", retryAfterMs: 17_250 };
    const { status, body } = geminiInbound.encodeError(error);
    expect(body).toEqual({
      error: { code: 429, message: "slow", status: "RESOURCE_EXHAUSTED", details: [retry("17.25s")] },
    });
    expect(geminiOutbound.decodeError(status, JSON.stringify(body))).toEqual(error);
  });
});
