import { expect, test } from "bun:test";
import { makeMemo } from "#src/core/memo.ts";

test("a value is made once, and anew after there were too many", () => {
  const memo = makeMemo<string>(2);
  const made: string[] = [];
  const ask = (name: string) => memo(name, () => (made.push(name), name.toUpperCase()));
  expect([ask("a"), ask("a"), ask("b"), ask("a"), ask("c"), ask("c"), ask("a")]).toEqual([..."AABACCA"]);
  expect(made).toEqual(["a", "b", "c", "a"]);
});
