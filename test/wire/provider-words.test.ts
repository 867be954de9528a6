// What a provider said went wrong is found wherever it put it, and told in any dialect; its own code only to who speaks its dialect.

import { describe, expect, test } from "bun:test";
import { type Dialect, dialects } from "#src/core/dialects.ts";
import type { Json } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";
import { inbound, outbound, passing } from "#src/wire/codecs.ts";
import { redactError, type WireError } from "#src/wire/errors.ts";

const missing = { type: "missing", loc: ["body", "messages", 0, "content"], msg: "Field required", input: "secret" };
const told = "body.messages.0.content: Field required";
const table: [string, Json | string, string][] = [
  ["FastAPI's list", { detail: [missing] }, told],
  ["two of a list", { detail: [missing, { loc: ["body"], msg: "too short" }] }, `${told}; body: too short`],
  ["Mistral's", { object: "error", message: { detail: [missing] }, type: "invalid_request_error" }, told],
  ["a list of errors", { errors: [{ message: "no such thing", code: 7003 }] }, "no such thing"],
  ["a list of texts", { success: false, errors: ["no such thing", "nor that"] }, "no such thing; nor that"],
  ["a status beside the cause", { statusCode: 400, error: "Bad Request", message: "n is too large" }, "n is too large"],
  ["beside an error that says nothing", { error: { code: 400 }, detail: "n is too large" }, "n is too large"],
  ["text", "  n is too large\n", "n is too large"],
  ["a text of JSON", '"n is too large"', "n is too large"],
  ["half of JSON", '{"error":{"message":"n is too', '{"error":{"message":"n is too'],
  ["a page", " \n<!DOCTYPE html><p>secret</p>", "the provider answered 400"],
  ["nothing", "", "the provider answered 400"],
  ["nothing that is said", { detail: [{ loc: ["body"] }, 7, null], code: 3 }, "the provider answered 400"],
  ["more than is wanted", { detail: ["x".repeat(100_000)] }, "x".repeat(2048)],
  [
    "without an end",
    { message: { message: { message: { message: { message: { message: "x" } } } } } },
    "the provider answered 400",
  ],
];

describe("a provider's words", () => {
  for (const [name, body, message] of table) {
    test(name, () => {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      for (const dialect of dialects) {
        for (const { decodeError } of [outbound[dialect], passing[dialect]])
          expect(decodeError(400, text)).toMatchObject({ status: 400, message });
      }
    });
  }
});

describe("OpenAI's own code and parameter", () => {
  const error = {
    message: "that is no picture",
    type: "invalid_request_error",
    param: "messages[0].content[1].image_url.url",
    code: "invalid_image_url",
  };
  const openai: Dialect[] = ["openai-chat", "openai-responses"];
  const said = (dialect: Dialect, body: Json) =>
    inbound[dialect].encodeError(passing[dialect].decodeError(400, JSON.stringify({ error: body })));

  test("reach a client of the same dialect", () => {
    for (const dialect of openai) expect(said(dialect, error)).toEqual({ status: 400, body: { error } });
  });

  test("and no other", () => {
    for (const client of dialects) {
      const body = inbound[client].encodeError(outbound["openai-chat"].decodeError(400, JSON.stringify({ error })));
      expect(JSON.stringify(body)).toContain("that is no picture");
      expect(JSON.stringify(body)).not.toMatch(/invalid_image_url|image_url\.url/);
    }
  });

  test("are names, and nothing else", () => {
    const { code: _code, param: _param, ...rest } = error;
    for (const odd of [null, 400, "", "two words", "x".repeat(129), { a: 1 }]) {
      expect(said("openai-chat", { ...rest, code: odd, param: odd }).body).toEqual({
        error: { ...rest, code: null, param: null },
      });
    }
  });

  test("are redacted as the words are", () => {
    const redact = makeRedactor(["the-SECRET-value"]);
    const failure: WireError = { status: 400, type: "invalid_request", message: "the-SECRET-value" };
    const own = { code: "the-SECRET-value", param: "input" };
    expect(redactError({ ...failure, own }, redact)).toEqual({
      ...failure,
      message: "[redacted]",
      own: { code: "[redacted]", param: "input" },
    });
  });
});
