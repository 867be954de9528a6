// Events that are alike but for one text: what is read between what they share is what a parser reads, and nothing else is read there.

import { describe, expect, test } from "bun:test";
import { type Json, parseJson } from "#src/core/json.ts";
import { makeAlikeReader } from "#src/wire/alike.ts";
import { isObject } from "#src/wire/schema.ts";

function textOf(body: Json | undefined): string | undefined {
  if (!isObject(body) || body["usage"]) return undefined;
  return typeof body["text"] === "string" ? body["text"] : undefined;
}

const first = '{"id":"text","text":"one","n":1}';

function learnt() {
  const reader = makeAlikeReader(textOf);
  reader.learn(first, "one");
  return reader;
}

describe("an event that is alike", () => {
  const texts = {
    "plain words": '"two three"',
    nothing: '""',
    "escaped quotes and breaks": String.raw`"\"two\"\n\\"`,
    "escapes that are not needed": String.raw`"\u0074\/"`,
    "half a pair": String.raw`"\ud83d"`,
    "other scripts": '"zwölf 十二 🙂"',
    "the words around it": String.raw`"\",\"n\":1}"`,
  };
  test.each(Object.entries(texts))("with %s", (_name, json) => {
    const event = first.replace('"one"', () => json);
    expect(learnt().read(event)).toBe(textOf(parseJson(event)));
    expect(learnt().read(event)).toBe(JSON.parse(json));
  });
});

describe("anything else is left to the parser", () => {
  const events = {
    "another value": '{"id":"text","text":"two","n":2}',
    "another member": '{"id":"text","text":"two","usage":{},"n":1}',
    "a member put in by what looks like a text": '{"id":"text","text":"two","usage":"much","n":1}',
    "no text": '{"id":"text","text":7,"n":1}',
    null: '{"id":"text","text":null,"n":1}',
    "a text that never ends": '{"id":"text","text":"two,"n":1}'.replace('"two', '"two\\'),
    "a control character": '{"id":"text","text":"two\n","n":1}',
    "a wrong escape": String.raw`{"id":"text","text":"\x","n":1}`,
    "shorter than what is shared": '{"id":"text","text":"',
    "one quote for two": '{"id":"text","text":","n":1}'.replace('",', '"'),
  };
  test.each(Object.entries(events))("%s", (_name, event) => {
    expect(learnt().read(event)).toBeUndefined();
  });
});

test("nothing is known before something was learnt", () => {
  expect(makeAlikeReader(textOf).read(first)).toBeUndefined();
});

test("the place is the text's own, though others hold the same words", () => {
  const reader = makeAlikeReader(textOf);
  reader.learn('{"text":"m","model":"m"}', "m");
  expect(reader.read('{"text":"m","model":"other"}')).toBeUndefined();
  expect(reader.read('{"text":"other","model":"m"}')).toBeUndefined();
});

test("of two members with one name the last counts, as for a parser", () => {
  const reader = makeAlikeReader(textOf);
  reader.learn('{"text":"one","text":"two"}', "two");
  expect(reader.read('{"text":"one","text":"three"}')).toBe("three");
  expect(reader.read('{"text":"three","text":"two"}')).toBeUndefined();
});

test("a text that is spelled in another way is not learnt from", () => {
  const reader = makeAlikeReader(textOf);
  reader.learn(String.raw`{"text":"\u006f"}`, "o");
  expect(reader.read('{"text":"two"}')).toBeUndefined();
});

test("what changes from time to time is learnt again, what changes always is given up", () => {
  const event = (text: string, n: number) => `{"text":"${text}","n":${n}}`;
  const seldom = makeAlikeReader(textOf);
  for (let n = 0; n < 20; n++) {
    seldom.learn(event("one", n), "one");
    for (let again = 0; again < 10; again++) expect(seldom.read(event("two", n))).toBe("two");
  }
  const always = makeAlikeReader(textOf);
  for (let n = 0; n < 20; n++) always.learn(event("one", n), "one");
  expect(always.read(event("two", 19))).toBeUndefined();
  expect(always.read(event("two", 3))).toBe("two");
});
