// What OpenAI's strict mode takes, and what that it does not costs.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { chatInbound, chatOutbound } from "#src/wire/chat/codec.ts";
import { makeLossList } from "#src/wire/losses.ts";
import { responsesInbound } from "#src/wire/responses/codec.ts";
import { mayBeStrict } from "#src/wire/strictness.ts";
import { SCOPE } from "./cases.ts";

const closed = (properties: { [key: string]: Json }, required = Object.keys(properties)): Json => ({
  type: "object",
  properties,
  required,
  additionalProperties: false,
});
const text = { type: "string" };

const table: [string, Json, boolean][] = [
  ["closed, with all it has required", closed({ a: text, b: { type: ["string", "null"] } }), true],
  ["closed and empty", { type: "object", additionalProperties: false }, true],
  ["one that may be left out", closed({ a: text, b: text }, ["a"]), false],
  ["none required", { type: "object", properties: { a: text }, additionalProperties: false }, false],
  ["not closed", { type: "object", properties: { a: text }, required: ["a"] }, false],
  ["any object", { type: "object" }, false],
  ["any object or null", closed({ a: { type: ["object", "null"] } }), false],
  ["an open one in a list", closed({ a: { type: "array", items: { type: "object" } } }), false],
  ["an open one among others", closed({ a: { anyOf: [text, { type: "object" }] } }), false],
  [
    "an open one that is referred to",
    { ...(closed({ a: { $ref: "#/$defs/b" } }) as object), $defs: { b: { type: "object" } } },
    false,
  ],
  ["members called like keywords", closed({ properties: closed({ type: text }), type: text, required: text }), true],
  ["what is no schema", closed({ a: { ...text, enum: ["x"], default: { type: "object" } } }), true],
];

describe("a schema may be strict", () => {
  for (const [name, schema, may] of table) {
    test(`${name}: ${may ? "yes" : "no, which is a loss"}`, () => {
      const losses = makeLossList();
      expect(mayBeStrict(schema, "here", losses)).toBe(may);
      expect(losses.items.map(({ path, what }) => `${path}: ${what}`)).toEqual(may ? [] : ["here: strictness"]);
    });
  }
});

test("what a client asks not to be strict loses nothing on its way to Chat", () => {
  const asked = { model: "m", stream: false };
  const schema = { type: "object", properties: { a: text } };
  const format = { type: "json_schema", name: "x", schema, strict: false };
  const { request, losses } = responsesInbound.decodeRequest({ model: "m", input: "hi", text: { format } }, asked);
  const call = chatOutbound.encodeRequest(request, { ...asked, scope: SCOPE });
  expect(call.body).toMatchObject({ response_format: { type: "json_schema", json_schema: { name: "x", schema } } });
  expect([...losses, ...call.losses]).toEqual([]);
});

test("what a client of Chat asks to be strict is so where OpenAI takes it, and else is not", () => {
  const asked = { model: "m", stream: false };
  const said = (schema: Json) => {
    const response_format = { type: "json_schema", json_schema: { name: "x", schema, strict: true } };
    const body = { model: "m", messages: [{ role: "user", content: "hi" }], response_format };
    return chatOutbound.encodeRequest(chatInbound.decodeRequest(body, asked).request, { ...asked, scope: SCOPE });
  };
  expect(said(closed({ a: text })).body).toMatchObject({ response_format: { json_schema: { strict: true } } });
  expect(said({ type: "object" }).losses.map(({ what }) => what)).toEqual(["strictness"]);
});
