// An answer's schema closed for Anthropic is weaker where it must be, and told so; it never asks for what would not do, and stays about as long as it was.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { makeLossList } from "#src/wire/losses.ts";
import { formatSchema } from "#src/wire/messages/backend-format.ts";

const closed = (schema: Json) => {
  const losses = makeLossList();
  return { schema: formatSchema(schema, losses), lost: losses.items.map(({ what }) => what) };
};
const object = (properties: Json, more: object = {}) => ({ type: "object", properties, ...more }) as Json;
const text = { type: "string" };

describe("taken out whole, since its parts closed would keep each other from being fulfilled", () => {
  const rows: [name: string, schema: Json][] = [
    ["members beside alternatives", object({ kind: text }, { oneOf: [object({ kind: { const: "a" }, x: text })] })],
    ["several that all hold", object({ p: { allOf: [{ $ref: "#/$defs/B" }, object({ c: text })] } })],
    ["an alternative that only limits", object({ p: { anyOf: [text, { minLength: 3 }] } })],
    ["what is required and not described", object({ a: text }, { required: ["b"] })],
  ];
  test.each(rows)("%s", (_, schema) => {
    expect(closed(schema)).toMatchObject({ schema: undefined, lost: ["response format"] });
  });
});

describe("limits beside what a schema says are told in words", () => {
  const limits = ["limits of the answer's schema"];
  test("of an object", () => {
    const schema = object({ email: text, phone: text }, { anyOf: [{ required: ["email"] }, { required: ["phone"] }] });
    expect(closed(schema)).toEqual({
      schema: {
        ...{ type: "object", properties: { email: text, phone: text }, additionalProperties: false },
        description: '{anyOf: [{"required":["email"]},{"required":["phone"]}]}',
      },
      lost: limits,
    });
  });
  test("of a text", () => {
    const words = '{anyOf: [{"format":"date"},{"format":"date-time"}]}';
    expect(closed(object({ at: { ...text, anyOf: [{ format: "date" }, { format: "date-time" }] } }))).toEqual({
      schema: { ...(object({ at: { ...text, description: words } }) as object), additionalProperties: false },
      lost: limits,
    });
  });
});

test("one that holds is the schema; alternatives are each closed", () => {
  const { schema, lost } = closed(object({ a: { allOf: [object({ b: text })] }, c: { oneOf: [text, object({})] } }));
  const [b, none] = [object({ b: text }), object({})].map((each) => ({
    ...(each as object),
    additionalProperties: false,
  }));
  expect(schema).toEqual({
    ...(object({ a: { anyOf: [b] }, c: { anyOf: [text, none] } } as Json) as object),
    additionalProperties: false,
  } as Json);
  expect(lost).toEqual([]);
});

test("with thousands of words for types, and members of no type, it stays about as long as it was", () => {
  const many = (count: number, word: string) => Array.from({ length: count }, (_, index) => `${word}${index}`);
  const odd = Object.fromEntries(many(600, "k").map((key) => [key, 1]));
  const given = object({ p: { type: [...many(6000, "t"), "string", "null"], enum: [{}], ...odd } });
  const { schema, lost } = closed(given);
  expect(JSON.stringify(schema).length).toBeLessThan(JSON.stringify(given).length);
  expect(schema).toMatchObject({ properties: { p: { anyOf: [{ type: "string" }, { type: "null" }] } } });
  expect(lost).toEqual(["limits of the answer's schema"]);
});
