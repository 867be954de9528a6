// Whether arguments in pieces are whole, beside a parser that reads all of them.

import { expect, test } from "bun:test";
import { parseJson } from "#src/core/json.ts";
import { GrowingArgs } from "#src/wire/chat/args.ts";
import { isObject } from "#src/wire/schema.ts";
import { seeded } from "#test/support/random.ts";

const PIECES = [
  '"',
  "\\",
  "{",
  "}",
  "[",
  "]",
  ":",
  ",",
  " ",
  "\n",
  '"a"',
  "1",
  "true",
  '"}"',
  '"\\""',
  '{"a":1}',
  "x",
  "é",
];
const WHOLE = [
  '{"a":{"b":[1,"}"]}}',
  ' {"a":"\\\\"}\n',
  '{"a":"\\"}"}',
  "{}",
  '[{"a":1}]',
  '{"a":1}{"b":2}',
  '"{}"',
  "null",
  "",
];

test("as a parser says, after every piece, however it is cut", () => {
  const random = seeded(20_261_127);
  const texts = Array.from({ length: 4_000 }, () =>
    random.chance(0.5)
      ? random.pick(WHOLE)
      : `{${Array.from({ length: random.below(9) }, () => random.pick(PIECES)).join("")}}`,
  );
  let whole = 0;
  for (const text of texts) {
    const args = new GrowingArgs();
    for (let at = 0; at < text.length;) {
      const next = at + 1 + random.below(4);
      args.add(text.slice(at, next));
      at = next;
      if (args.isWhole() !== isObject(parseJson(args.text)))
        expect([args.text, args.isWhole()]).toEqual([args.text, !args.isWhole()]);
    }
    expect(args.text).toBe(text);
    if (args.isWhole()) whole += 1;
  }
  expect(whole).toBeGreaterThan(500);
});
