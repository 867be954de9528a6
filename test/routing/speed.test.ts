// Resolving is asked of for every request: with 40 keys, 12 slots and 100 backends it costs next to nothing. The bound is generous, because the machine
// of the tests is shared; `test/bench/routing/resolve.ts` measures.

import { expect, test } from "bun:test";
import { big, failing, timeOf } from "#test/bench/routing/scene.ts";

test("in microseconds, with and without policies, in health and out of it", () => {
  for (const mode of [undefined, "round_robin", "weighted", "least_recently_used"] as const) {
    expect(timeOf(big(mode))).toBeLessThan(100);
    expect(timeOf(big(mode), failing)).toBeLessThan(100);
  }
});
