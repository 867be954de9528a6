// Whose root we are, as the kernel's map of ids says it.

import { expect, test } from "bun:test";
import { isMappedAlone, isRealRoot } from "#sandbox/mount-table.ts";

for (const [what, map, real, alone] of [
  ["the machine's", "         0          0 4294967295\n", process.getuid!() === 0, false],
  ["a container's without root", "         0       1000          1\n         1     100000      65536\n", false, false],
  ["nobody's: the user alone is known", "      1000          0          1\n", false, true],
] as const)
  test(`the root of ${what}`, () => {
    expect([isRealRoot(() => map), isMappedAlone(() => map)]).toEqual([real, alone]);
  });
