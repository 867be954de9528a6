import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { readMember, readTopLevel, spliceTopLevel } from "#src/wire/splice.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (body: Uint8Array) => new TextDecoder().decode(body);
const usageError = expect.objectContaining({ kind: "usage" }) as unknown as Error;

describe("spliceTopLevel changes the named values and no other byte", () => {
  const table: [string, string, Record<string, Json | undefined>, string][] = [
    ["a value", '{"model":"a","x":1}', { model: "b" }, '{"model":"b","x":1}'],
    [
      "white space stays",
      ' {\n "model" :\t"a" ,\r\n "x": [ ] } \n',
      { model: "b" },
      ' {\n "model" :\t"b" ,\r\n "x": [ ] } \n',
    ],
    [
      "the same key deeper",
      '{"m":{"model":"a"},"t":[{"model":"a"}],"model":"a"}',
      { model: "b" },
      '{"m":{"model":"a"},"t":[{"model":"a"}],"model":"b"}',
    ],
    [
      "quotes and braces in text",
      '{"t":"\\"model\\":\\"}{][","model":"a"}',
      { model: "b" },
      '{"t":"\\"model\\":\\"}{][","model":"b"}',
    ],
    ["a backslash before the quote", '{"t":"\\\\","model":"a"}', { model: "b" }, '{"t":"\\\\","model":"b"}'],
    ["an escaped key", '{"mod\\u0065l":"a"}', { model: "b" }, '{"mod\\u0065l":"b"}'],
    [
      "numbers as they were written",
      '{"t":1.0e+2,"n":12345678901234567890,"model":"a"}',
      { model: "b" },
      '{"t":1.0e+2,"n":12345678901234567890,"model":"b"}',
    ],
    ["a whole object", '{"model":{"a":[1,{}]},"x":null}', { model: "b" }, '{"model":"b","x":null}'],
    ["several, in any order", '{"a":1,"b":2,"c":3}', { c: { d: true }, a: "ä" }, '{"a":"ä","b":2,"c":{"d":true}}'],
    ["absent members come first", '{ "a":1}', { model: "b", n: 1 }, '{"model":"b","n":1, "a":1}'],
    ["into an empty object", "{ }", { model: "b" }, '{"model":"b" }'],
    ["nothing", '{"a" : 1}', {}, '{"a" : 1}'],
    ["the first taken out", '{ "x" : [1] , "model":"a"}', { x: undefined, model: "b" }, '{ "model":"b"}'],
    ["one between others taken out", '{"a":1 , "x":{"x":1} , "model":"a"}', { x: undefined }, '{"a":1 , "model":"a"}'],
    ["the last taken out", '{"model":"a" , "x" : null }', { x: undefined, model: "b" }, '{"model":"b" }'],
    ["the only one taken out", '{ "x":1 }', { x: undefined }, "{  }"],
    ["the only one taken out and another put in", '{ "x":1 }', { x: undefined, model: "b" }, '{"model":"b"  }'],
    ["one taken out and another put in first", '{"x":1,"a":2}', { x: undefined, model: "b" }, '{"model":"b","a":2}'],
    ["one taken out that is not there", '{"a":1}', { x: undefined }, '{"a":1}'],
  ];
  for (const [name, body, edits, result] of table) {
    test(name, () => expect(text(spliceTopLevel(bytes(body), edits))).toBe(result));
  }

  test("bytes that are not UTF-8 stay too", () => {
    const body = Uint8Array.of(...bytes('{"t":"'), 0xff, 0xc3, ...bytes('","model":"a"}'));
    expect(spliceTopLevel(body, { model: "b" })).toEqual(
      Uint8Array.of(...bytes('{"t":"'), 0xff, 0xc3, ...bytes('","model":"b"}')),
    );
  });
});

describe("what is not one JSON object is refused", () => {
  const bodies = [
    "",
    " ",
    "[]",
    "1",
    '"a"',
    "null",
    "{",
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,}',
    '{"a":1,,"b":2}',
    "{a:1}",
    "{'a':1}",
  ];
  bodies.push(
    '{"a":[}]}',
    '{"a":[1}',
    '{"a":{]}',
    '{"a":[1,]}',
    '{"a":tru}',
    '{"a":nul1}',
    '{"a":01}',
    '{"a":1.}',
    '{"a":.5}',
  );
  bodies.push(
    '{"a":+1}',
    '{"a":1e}',
    '{"a":-}',
    '{"a":"\\x"}',
    '{"a":"\\u12g4"}',
    '{"a":"\n"}',
    '{"a":"',
    '{"a":1}}',
    '{"a":1} x',
  );
  bodies.push(
    '\ufeff{"a":1}',
    '{"a":1/**/}',
    '{"a":NaN}',
    "{1:1}",
    '{"a" 1}',
    `{"a":${"[".repeat(600)}${"]".repeat(600)}}`,
  );
  for (const body of bodies) {
    test(body.slice(0, 20), () => {
      expect(() => spliceTopLevel(bytes(body), { model: "b" })).toThrow(usageError);
      expect(() => readTopLevel(bytes(body), ["model"])).toThrow(usageError);
    });
  }

  test("a key that is asked for may not come twice, in whatever spelling", () => {
    for (const body of ['{"model":"a","model":"b"}', '{"model":"a","\\u006dodel":"b"}']) {
      expect(() => spliceTopLevel(bytes(body), { model: "c" })).toThrow(usageError);
      expect(() => readTopLevel(bytes(body), ["model"])).toThrow(usageError);
    }
    expect(text(spliceTopLevel(bytes('{"x":1,"x":2,"model":"a"}'), { model: "b" }))).toBe('{"x":1,"x":2,"model":"b"}');
  });

  test("an error does not quote the body", () => {
    expect(() => spliceTopLevel(bytes('{"secret":tru'), { model: "b" })).toThrow("the body is not well-formed JSON");
  });
});

test("readTopLevel reads scalars and leaves the rest", () => {
  const body = bytes('{"messages":[{"model":"no"}],"mod\\u0065l":"a\\u00e4","stream":true,"n":-1.5e1,"z":null,"o":{}}');
  const read = readTopLevel(body, ["model", "stream", "n", "z", "o", "absent"]);
  expect(read).toEqual({ model: "aä", stream: true, n: -15, z: null });
});

test("readMember reads one value whole", () => {
  const body = bytes('{"a":{"x":[1]},"\\u0062":"ä","n":null}');
  expect(["a", "b", "n", "x"].map((key) => readMember(body, key))).toEqual([{ x: [1] }, "ä", null, undefined]);
  expect(() => readMember(bytes('{"a":1,"a":2}'), "a")).toThrow(usageError);
});

describe("agrees with the real parser", () => {
  const SEED = 20261124;
  let state = SEED;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const strings = ["", "model", 'a"b', "\\", "ä👋", "\n\t", "{}[],:", "\u0000"];
  const value = (depth: number): Json => {
    const kind = random(depth > 3 ? 4 : 6);
    if (kind === 0) return strings[random(strings.length)]!;
    if (kind === 1) return random(2000) / 7 - 100;
    if (kind === 2) return random(2) === 0;
    if (kind === 3) return null;
    if (kind === 4) return Array.from({ length: random(4) }, () => value(depth + 1));
    return Object.fromEntries(
      Array.from({ length: random(4) }, (_, at) => [`${strings[random(8)]}${at}`, value(depth + 1)]),
    );
  };
  const document = () => JSON.stringify({ before: value(0), model: value(0), after: value(0) }, null, random(2) * 2);

  test(`on what a splice means (seed ${SEED})`, () => {
    for (let round = 0; round < 500; round++) {
      const body = document();
      const edit = value(0);
      const spliced = JSON.parse(text(spliceTopLevel(bytes(body), { model: edit }))) as Json;
      expect(spliced).toEqual({ ...(JSON.parse(body) as object), model: JSON.parse(JSON.stringify(edit)) } as Json);
    }
  });

  test(`on what is JSON at all, with one character changed (seed ${SEED})`, () => {
    const alphabet = '{}[]",:\\0123eE+-.tfnu \n';
    const isObject = (body: string) => {
      try {
        const parsed = JSON.parse(body) as Json;
        return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
      } catch {
        return false;
      }
    };
    for (let round = 0; round < 5000; round++) {
      const body = document();
      const at = random(body.length);
      const changed = body.slice(0, at) + alphabet[random(alphabet.length)]! + body.slice(at + random(2));
      let accepted = true;
      try {
        readTopLevel(bytes(changed), []);
      } catch {
        accepted = false;
      }
      if (accepted !== isObject(changed)) expect({ changed, accepted }).toEqual({ changed, accepted: !accepted });
    }
  });

  test(`on every text that is read, whatever was read before it (seed ${SEED})`, () => {
    const letters = ["a", "b", '\\"', "\\\\", "\\u0061", "ä", "\\n", "𝄞"];
    for (let round = 0; round < 5_000; round++) {
      const written = Array.from({ length: random(30) }, () => letters[random(letters.length)]).join("");
      const body = `{"model":"${written}","stream":${["true", "false", "null", "-1.5e3", "7"][random(5)]}}`;
      expect(readTopLevel(bytes(body), ["model", "stream"])).toEqual(JSON.parse(body) as object);
    }
  });
});
