// How long what was looked up counts.

import { expect, test } from "bun:test";
import { GAP_MS, perMoment } from "#src/state/moment.ts";

const spin = (ms: number) => {
  for (const from = performance.now(); performance.now() - from < ms;);
};

test("those that follow each other closely share a look; after a gap it is looked anew", () => {
  let looks = 0;
  const look = perMoment(() => ++looks);
  const seen = new Set<number>();
  for (let round = 0; round < 20; round++) {
    spin(2 * GAP_MS);
    seen.add(look());
  }
  expect(seen.size).toBe(20);
  const before = looks;
  for (let round = 0; round < 1_000; round++) look();
  expect(looks - before).toBeLessThan(500);
});

test("however closely they follow, it is looked anew within a millisecond or so", () => {
  const look = perMoment(() => performance.now());
  const seen = new Set<number>();
  const from = performance.now();
  while (seen.size < 200) seen.add(look());
  expect(performance.now() - from).toBeGreaterThan(50);
});

test("a failure is not remembered", () => {
  let fails = true;
  const look = perMoment(() => {
    if (fails) throw new Error("gone");
    return "there";
  });
  expect(look).toThrow("gone");
  fails = false;
  expect(look()).toBe("there");
});
