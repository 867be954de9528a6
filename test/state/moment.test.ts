// How long what was looked up counts, by a clock that is moved by hand.

import { expect, test } from "bun:test";
import { GAP_MS, LONGEST_MS, perMoment } from "#src/state/moment.ts";

function looking() {
  let nowMs = 1_000;
  let looks = 0;
  const look = perMoment(
    () => ++looks,
    () => nowMs,
  );
  return (ms: number) => {
    nowMs += ms;
    return look();
  };
}

test("those that follow each other closely share a look; after a gap it is looked anew", () => {
  const after = looking();
  expect([after(0), after(0), after(GAP_MS * 0.9), after(GAP_MS * 0.9)]).toEqual([1, 1, 1, 1]);
  expect([after(GAP_MS * 1.01), after(0), after(GAP_MS * 1.01)]).toEqual([2, 2, 3]);
});

test("however closely they follow, a look is never older than its time", () => {
  const after = looking();
  const step = GAP_MS / 2;
  const looks = Array.from({ length: 1 + Math.ceil((3 * LONGEST_MS) / step) }, (_, at) => after(at === 0 ? 0 : step));
  for (let at = 0; at * step < 3 * LONGEST_MS; at++) {
    const sinceFirst = looks.slice(0, at + 1).filter((look) => look === looks[at]).length - 1;
    expect(sinceFirst * step).toBeLessThanOrEqual(LONGEST_MS);
  }
  expect(new Set(looks).size).toBeGreaterThanOrEqual(3);
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
