// A tool made of alternatives, where none may stand at its top: weaker, but never another tool.

import { expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { makeLossList } from "#src/wire/losses.ts";
import { toolSchema } from "#src/wire/tool-schema.ts";

const plain = (schema: Json) => {
  const losses = makeLossList();
  return { schema: toolSchema(schema, true, "tools[0]", losses), lost: losses.items.map(({ what }) => what) };
};
const lost = ["alternatives of a tool's schema"];
const branch = (op: string, member: string) => ({
  ...{ type: "object", properties: { op: { const: op }, [member]: { type: "string" } }, required: ["op", member] },
});
const merged = {
  type: "object",
  properties: {
    op: { anyOf: [{ const: "read" }, { const: "write" }] },
    path: { type: "string" },
    data: { type: "string" },
  },
  required: ["op"],
};

test("members that differ are any of what they are; required is what every branch requires", () => {
  const [read, write] = [branch("read", "path"), branch("write", "data")];
  for (const key of ["anyOf", "oneOf"]) expect(plain({ [key]: [read, write] })).toEqual({ schema: merged, lost });
  const $defs = { A: read, B: { $ref: "#/$defs/C" }, C: write };
  expect(plain({ $defs, anyOf: [{ $ref: "#/$defs/A" }, { $ref: "#/$defs/B" }] })).toEqual({
    ...{ schema: { $defs, ...merged }, lost },
  });
  expect(plain({ allOf: [read, { properties: { n: {} }, required: ["n"] }], not: {}, enum: [1] })).toEqual({
    schema: {
      type: "object",
      properties: { op: { const: "read" }, path: { type: "string" }, n: {} },
      required: ["op", "path", "n"],
    },
    lost,
  });
});

test("a reference at the top is followed, also where it goes in circles; names are only names", () => {
  const tool = { type: "object", properties: { a: {} } };
  expect(plain({ $ref: "#/$defs/A", $defs: { A: tool } })).toEqual({
    schema: { ...tool, $defs: { A: tool } },
    lost: [],
  });
  const round = { $ref: "#/$defs/A", $defs: { A: { $ref: "#/$defs/A" } } };
  expect(plain(round).schema).toEqual({ ...round, type: "object", properties: {} });
  const odd = plain(JSON.parse('{"anyOf":[{"properties":{"__proto__":{"type":"string"}}}]}') as Json).schema;
  expect(JSON.stringify(odd)).toBe('{"type":"object","properties":{"__proto__":{"type":"string"}}}');
});

test("as it was where alternatives are taken, but for members that must be said", () => {
  const losses = makeLossList();
  const schema = { type: "object", properties: {}, anyOf: [branch("read", "path")] };
  expect(toolSchema(schema, false, "tools[0]", losses)).toBe(schema);
  expect(toolSchema({ type: "object" }, false, "tools[0]", losses)).toEqual({ type: "object", properties: {} });
  expect(losses.items).toEqual([]);
});

test("many references to much are read once", () => {
  const big = {
    type: "object",
    properties: Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`p${at}`, {}])),
  };
  const anyOf = Array.from({ length: 5_000 }, () => ({ $ref: "#/$defs/A" }));
  const began = performance.now();
  plain({ $defs: { A: big }, anyOf });
  expect(performance.now() - began).toBeLessThan(1_000);
});
