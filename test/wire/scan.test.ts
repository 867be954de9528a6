// Finding where JSON values end: every value there is, and where its parts lie.

import { describe, expect, test } from "bun:test";
import { skipArray, skipObject, skipSpace, skipString } from "#src/wire/scan.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const usageError = expect.objectContaining({ kind: "usage" }) as unknown as Error;

test("the parts of an object and of an array, without the white space around them", () => {
  const object = bytes('{ "a" : [1, {"b":2}] ,"c":"}" }rest');
  const members: string[] = [];
  const text = (start: number, end: number) => new TextDecoder().decode(object.subarray(start, end));
  const end = skipObject(object, 0, 1, (keyStart, keyEnd, start, valueEnd) => {
    members.push(text(keyStart, keyEnd), text(start, valueEnd));
  });
  expect({ members, end }).toEqual({ members: ['"a"', '[1, {"b":2}]', '"c"', '"}"'], end: object.length - 4 });
  const array = bytes('[ 1 , "]" ,[],null]');
  const spans: [number, number][] = [];
  expect(skipArray(array, 0, 1, (start, stop) => void spans.push([start, stop]))).toBe(array.length);
  expect(spans.map(([start, stop]) => new TextDecoder().decode(array.subarray(start, stop)))).toEqual([
    "1",
    '"]"',
    "[]",
    "null",
  ]);
});

test("strings end at their own quote", () => {
  for (const text of ['""', '"a"', '"\\""', '"\\\\"', '"\\u00e4\\n"', '"ä👋"']) {
    expect(skipString(bytes(`${text}"`), 0)).toBe(bytes(text).length);
  }
});

test("white space is what JSON says it is", () => {
  expect(skipSpace(bytes(" \t\r\nx"), 0)).toBe(4);
  expect(skipSpace(bytes("\u00a0x"), 0)).toBe(0);
});

describe("what has no end is refused", () => {
  for (const text of ["[", "[1", "[1,", "[,]", '["a]', "[1}", "[tru]", "[nul", "[-]", "[01]", '["\\u12"]']) {
    test(text, () => expect(() => skipArray(bytes(text), 0, 1)).toThrow(usageError));
  }

  test("and what nests deeper than 512", () => {
    const nested = (depth: number) => bytes("[".repeat(depth) + "]".repeat(depth));
    expect(skipArray(nested(512), 0, 1)).toBe(1024);
    expect(() => skipArray(nested(513), 0, 1)).toThrow("nested too deeply");
  });
});
