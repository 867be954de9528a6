// What is remembered of a body is the text alone.

import { expect, test } from "bun:test";
import { heapStats } from "bun:jsc";
import { readScalar } from "#src/wire/scalars.ts";

test("a text that was read from a large body does not keep the body", () => {
  const MB = 1024 * 1024;
  const held = () => {
    Bun.gc(true);
    return heapStats().extraMemorySize + process.memoryUsage().arrayBuffers;
  };
  const before = held();
  for (let length = 3; length < 35; length++) {
    const text = `"${"x".repeat(length)}"`;
    const body = Buffer.concat([Buffer.from(text), Buffer.alloc(4 * MB, 0x20)]);
    expect(readScalar(body, 0, text.length)).toBe("x".repeat(length));
  }
  expect(held() - before).toBeLessThan(64 * MB);
});
