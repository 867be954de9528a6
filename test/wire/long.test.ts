// A long body read in leaps: accepted where the grammar is kept, with the same members, and refused where it is not.

import { describe, expect, test } from "bun:test";
import { hasControl } from "#src/wire/long.ts";
import { acceptLong, memberNames } from "#src/wire/splice.ts";
import { type Random, seeded } from "#test/support/random.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

type Seen = { accepted: string[] } | { refused: string } | { left: true };

/** What becomes of a body in leaps. */
function leapt(text: string): Seen {
  const body = bytes(text);
  try {
    return acceptLong(body) ? { accepted: memberNames(body) } : { left: true };
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

/** What becomes of it byte by byte. */
function read(text: string): Seen {
  if (/[\u0000-\u001f]/.test(text)) return { left: true };
  try {
    return { accepted: memberNames(bytes(text)) };
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

const same = (text: string) => expect({ text, seen: leapt(text) }).toEqual({ text, seen: read(text) });

describe("what a string may hold", () => {
  const strings = {
    nothing: "",
    words: "two words",
    "every escape": String.raw`\" \\ \/ \b \f \n \r \t \u00e4 \uD83D`,
    "escapes in a row": String.raw`\\\\\\\"\"\\`,
    "a backslash at its end": String.raw`\\`,
    "an escape far behind another": `\\n${"x".repeat(100)}\\n`,
    "other scripts": "世界 👋",
    brackets: "]}{[,:",
  };
  test.each(Object.entries(strings))("%s", (_name, inside) => {
    expect(leapt(`{"a":"${inside}","${inside}":1}`)).toEqual({ accepted: ["a", JSON.parse(`"${inside}"`) as string] });
  });

  const wrong = {
    "an escape there is none of": String.raw`\x`,
    "an escape of too few digits": String.raw`\u12"`,
    "an escape that is no hex": String.raw`\u12g4`,
    "an escape that is cut": "\\",
  };
  test.each(Object.entries(wrong))("not %s", (_name, inside) => {
    same(`{"a":"${inside}`);
    for (const text of [`{"a":"${inside}"}`, `{"a":["x","${inside}"],"b":"y"}`]) {
      expect(leapt(text)).toEqual({ refused: "the body is not well-formed JSON" });
    }
  });
});

test("a control character anywhere leaves the body to a parser", () => {
  for (let length = 0; length < 24; length++) {
    for (let offset = 0; offset < 4; offset++) {
      const whole = new Uint8Array(length + offset).fill(0x20);
      expect({ length, offset, found: hasControl(whole.subarray(offset)) }).toEqual({ length, offset, found: false });
      for (let at = offset; at < whole.length; at++) {
        for (const [byte, found] of [
          [0x00, true],
          [0x1f, true],
          [0x7f, false],
          [0x80, false],
          [0xff, false],
        ] as const) {
          const body = whole.slice();
          body[at] = byte;
          expect({ at, byte, found: hasControl(body.subarray(offset)) }).toEqual({ at, byte, found });
        }
      }
    }
  }
  expect(leapt('{"a":1,\n"b":2}')).toEqual({ left: true });
});

function value(random: Random, depth: number): unknown {
  const way = random.below(depth > 3 ? 4 : 6);
  if (way === 0) return random.below(1000) - 500;
  if (way === 1) return random.pick([true, false, null, 1.5e10]);
  if (way <= 3) return Array.from({ length: random.below(8) }, () => random.pick([...'ab"\\{}[],:\n世'])).join("");
  const items = Array.from({ length: random.below(5) }, () => value(random, depth + 1));
  return way === 4 ? items : Object.fromEntries(items.map((item, index) => [`k"\\${index}`, item]));
}

test("bodies made by chance, whole and spoiled, are what they are byte by byte", () => {
  const random = seeded(11);
  for (let round = 0; round < 4000; round++) {
    const text = JSON.stringify(
      Object.fromEntries([
        ["a", value(random, 0)],
        ["b", value(random, 0)],
      ]),
    );
    same(text);
    const at = random.below(text.length);
    const spoiled = random.pick(['"', "\\", "{", "}", ",", ":", "1", "x", "", " "]);
    same(text.slice(0, at) + spoiled + text.slice(at + random.below(2)));
  }
});

test("a nest too deep, what is no object, and what follows one are refused", () => {
  same(`{"a":${"[".repeat(512)}${"]".repeat(512)}}`);
  same(`{"a":${"[".repeat(511)}${"]".repeat(511)}}`);
  for (const text of ["[1]", "", '"a"', '{"a":1}x', '{"a":1} ', "{", '{"a"', '{"a":"']) same(text);
});
