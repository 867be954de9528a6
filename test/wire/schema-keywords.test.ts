// Keywords go out of schemas, and only out of schemas.

import { expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { stripKeywords } from "#src/wire/schema-keywords.ts";

const REFUSED = ["const", "multipleOf", "$schema", "format"];
const strip = (schema: Json) => stripKeywords(schema, REFUSED);

test("at any depth a schema can stand", () => {
  const bad = { type: "number", multipleOf: 2, const: 4 };
  const good = { type: "number" };
  const nested = (inner: Json): Json => ({
    properties: { a: inner },
    patternProperties: { "^b": inner },
    $defs: { c: inner },
    definitions: { d: inner },
    dependentSchemas: { e: inner },
    dependencies: { f: inner, g: ["a"] },
    items: inner,
    prefixItems: [inner, true],
    additionalProperties: inner,
    anyOf: [{ allOf: [inner] }],
    oneOf: [inner],
    not: inner,
    if: inner,
    then: inner,
    else: inner,
    contains: inner,
    propertyNames: inner,
  });
  expect(strip({ $schema: "x", ...(nested(bad) as object) })).toEqual(nested(good));
});

test("what is only called like a keyword stays", () => {
  const schema = {
    type: "object",
    properties: { const: { type: "string" }, format: { type: "string", enum: ["const"] }, properties: {} },
    required: ["const", "format"],
    default: { const: 1 },
    examples: [{ multipleOf: 2 }],
    enum: [{ format: "x" }],
    additionalProperties: false,
  };
  expect(strip(schema)).toEqual(schema);
});

test("nothing to take out is nothing to do", () => {
  const schema = { const: 1 };
  expect(stripKeywords(schema, [])).toBe(schema);
  expect([true, null, "x"].map(strip)).toEqual([true, null, "x"]);
});
