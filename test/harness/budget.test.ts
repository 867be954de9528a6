// What a worker can cause without end is recorded up to a number of bytes, then counted.

import { expect, test } from "bun:test";
import { withinBudget } from "#harness/budget.ts";

test("everything that fits, nothing after the first that does not, and how many those were", () => {
  const seen: unknown[] = [];
  const budget = withinBudget((event, data) => seen.push([event, data]), 24);
  budget.record("a", { x: "12345" }); // 13 bytes
  budget.record("b", { x: "1" }); // 9
  budget.record("c", { x: "é" }); // 10: two too many
  budget.record("d", {}); // would fit
  expect([seen, budget.omitted()]).toEqual([
    [
      ["a", { x: "12345" }],
      ["b", { x: "1" }],
    ],
    2,
  ]);
});
