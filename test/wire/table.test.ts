import { expect, test } from "bun:test";
import { entryOf } from "#src/wire/table.ts";

test("only what was written into a table is found in it", () => {
  const words = ["stop", "constructor", "toString", "__proto__", "hasOwnProperty", ""];
  expect(words.map((word) => entryOf({ stop: "end" }, word))).toEqual(["end", ...words.slice(1).map(() => undefined)]);
});
