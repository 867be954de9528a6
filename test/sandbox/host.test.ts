// Which kernels say how a process ended.

import { expect, test } from "bun:test";
import { tellsEnds } from "#sandbox/host.ts";

for (const [release, tells] of [
  ["6.15.0", true],
  ["6.18.44-some", true],
  ["7.0.0-rc1", true],
  ["6.14.9-200.fc41.x86_64", false],
  ["6.1.0-28-amd64", false],
  ["5.19", false],
  ["rubbish", false],
] as const)
  test(`${release}: ${tells}`, () => expect(tellsEnds(release)).toBe(tells));
