// The watch over what a supervisor holds: told once, and only while it is on.

import { expect, test } from "bun:test";
import { watchMemory } from "#harness/memory.ts";

test("told once, when it is more than allowed", async () => {
  const told = Promise.withResolvers<number>();
  let looks = 0;
  let calls = 0;
  using _watch = watchMemory(
    () => {
      calls += 1;
      told.resolve(looks);
    },
    100,
    () => [100, 99, 101, 500, 500][looks++] ?? 500,
  );
  expect(await told.promise).toBe(3);
  await Bun.sleep(120);
  expect({ calls, looks }).toEqual({ calls: 1, looks: 3 });
});

test("not after its end", async () => {
  let calls = 0;
  watchMemory(
    () => (calls += 1),
    0,
    () => 1,
  )[Symbol.dispose]();
  await Bun.sleep(120);
  expect(calls).toBe(0);
});
