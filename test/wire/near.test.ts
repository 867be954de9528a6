import { expect, test } from "bun:test";
import { nextByte } from "#src/wire/near.ts";

test("the next place of a byte, near and far, or the length of all", () => {
  for (let length = 0; length < 80; length++) {
    for (let place = -1; place < length; place++) {
      const bytes = Buffer.alloc(length, 0x61);
      if (place >= 0) bytes[place] = 0x22;
      for (let from = 0; from <= length + 1; from++) {
        const found = from <= place ? place : length;
        if (nextByte(bytes, 0x22, from) !== found) expect({ length, place, from }).toEqual({ length, place, from: -1 });
      }
    }
  }
  expect(nextByte(Buffer.from(`${"a".repeat(100)}""`), 0x22, 101)).toBe(101);
});
