// Leaping finds what reading the grammar finds, in every body that is well-formed.

import { describe, expect, test } from "bun:test";
import { leapMembers } from "#src/wire/leap.ts";
import { skipObject, skipSpace } from "#src/wire/scan.ts";
import { acceptParsed, readTopLevel, spliceTopLevel } from "#src/wire/splice.ts";
import { seeded } from "#test/support/random.ts";

type Spans = [number, number, number, number][];

function both(text: string): { leapt: Spans; read: Spans } {
  const bytes = Buffer.from(text);
  const leapt: Spans = [];
  const read: Spans = [];
  const open = skipSpace(bytes, 0);
  leapMembers(bytes, open, (...span) => void leapt.push(span));
  skipObject(bytes, open, 1, (...span) => void read.push(span));
  return { leapt, read };
}

const cases: [string, string][] = [
  ["nothing", "{}"],
  ["nothing but space", " {\n} "],
  ["scalars", '{"a":1,"b":-2.5e+3,"c":true,"d":null,"e":"x"}'],
  ["space everywhere", ' { "a" : 1 , "b" :\t[ 1 , 2 ]\n, "c" : { } , "d" : "x" } '],
  ["a number at the end, and space", '{"a": 12 }'],
  ["quotes and backslashes", '{"a\\"b":"\\\\","c":"\\\\\\"}","d":"{[,:"}'],
  ["nested", '{"a":[{"b":["]","}"]},[]],"c":{"d":{"e":"\\u007d"}}}'],
  ["not ASCII", '{"ключ":"世界 👋","b":[ "é" ]}'],
];

describe("the members are the same", () => {
  for (const [name, text] of cases) {
    test(name, () => {
      const { leapt, read } = both(text);
      expect(leapt).toEqual(read);
    });
  }

  test("of bodies made by chance, with and without space", () => {
    const random = seeded(7);
    const value = (depth: number): unknown => {
      const way = random.below(depth > 3 ? 4 : 6);
      if (way === 0) return random.below(1000) - 500;
      if (way === 1) return random.pick([true, false, null, 1.5e10]);
      if (way <= 3) return Array.from({ length: random.below(8) }, () => random.pick([...'ab"\\{}[],:\n世'])).join("");
      const items = Array.from({ length: random.below(5) }, () => value(depth + 1));
      return way === 4 ? items : Object.fromEntries(items.map((item, index) => [`k"\\${index}`, item]));
    };
    for (let round = 0; round < 2000; round++) {
      const members = Array.from({ length: random.below(6) }, (_, index) => [`m${index}`, value(0)]);
      const text = JSON.stringify(Object.fromEntries(members), null, random.pick([0, 1, 2]));
      const { leapt, read } = both(text);
      expect({ round, text, leapt }).toEqual({ round, text, leapt: read });
    }
  });
});

test("a body that was accepted is read and spliced like any other", () => {
  const body = new TextEncoder().encode('{"model":"a","n":[1],"stream":true}');
  acceptParsed(body);
  expect(readTopLevel(body, ["model", "n", "stream"])).toEqual({ model: "a", stream: true });
  expect(new TextDecoder().decode(spliceTopLevel(body, { model: "b", n: undefined }))).toBe(
    '{"model":"b","stream":true}',
  );
});

test("two members of one name, no object, and a nest too deep are refused", () => {
  const accept = (text: string) => {
    const body = new TextEncoder().encode(text);
    acceptParsed(body);
    return body;
  };
  expect(() => readTopLevel(accept('{"model":"a","model":"b"}'), ["model"])).toThrow("two members");
  expect(() => accept("[1]")).toThrow("not a JSON object");
  expect(() => accept(`{"a":${"[".repeat(512)}${"]".repeat(512)}}`)).toThrow("nested too deeply");
  expect(() => accept(`{"a":${"[".repeat(511)}${"]".repeat(511)}}`)).not.toThrow();
});
