// One spelling for what is hashed and signed.

import { describe, expect, test } from "bun:test";
import { canonicalJson, type Json, parseJson, quoteJson } from "#src/core/json.ts";

const cases: [string, Json, string][] = [
  ["keys in order, at every depth", { b: 1, a: { d: 1, c: 2 } }, '{"a":{"c":2,"d":1},"b":1}'],
  ["lists as they are", [3, 1, [2]], "[3,1,[2]]"],
  ["keys by UTF-16 units", { "\u{1f600}": 1, "\ufb33": 2 }, '{"\u{1f600}":1,"\ufb33":2}'],
  ["numbers", [0, -0, 1e21, 0.1, 1.0], "[0,0,1e+21,0.1,1]"],
  ["strings with everything in them", '"\\\n\u2028é', '"\\"\\\\\\n\u2028é"'],
  ["nothing", null, "null"],
  ["an empty object and list", { a: {}, b: [] }, '{"a":{},"b":[]}'],
];
for (const [name, value, text] of cases) test(name, () => expect(canonicalJson(value)).toBe(text));

test("the order of writing does not matter, the value does", () => {
  const a = JSON.parse('{"x":1,"__proto__":{"y":2}}') as Json;
  const b = JSON.parse('{"__proto__":{"y":2},"x":1}') as Json;
  expect(canonicalJson(a)).toBe(canonicalJson(b));
  expect(canonicalJson(a)).not.toBe(canonicalJson({ x: 1 }));
});

describe("what JSON cannot say", () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    test(String(value), () => expect(() => canonicalJson(value)).toThrow("not a JSON number"));
  }
});

test("parseJson never throws", () => {
  expect([parseJson("{"), parseJson(""), parseJson("1"), parseJson('{"a":1}')]).toEqual([
    undefined,
    undefined,
    1,
    { a: 1 },
  ]);
});

test("a quoted text is what the runtime makes of it, for every character and half of one", () => {
  for (let unit = 0; unit <= 0xffff; unit++) {
    const text = `a${String.fromCharCode(unit)}b`;
    if (quoteJson(text) !== JSON.stringify(text))
      expect({ unit, json: quoteJson(text) }).toEqual({ unit, json: JSON.stringify(text) });
  }
  for (const text of ["", "𝄞", "\ud834", "\udd1e\ud834", '"', "\\"]) expect(quoteJson(text)).toBe(JSON.stringify(text));
});
