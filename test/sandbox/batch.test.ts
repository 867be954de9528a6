import { expect, test } from "bun:test";
import { runBatch } from "#sandbox/batch.ts";
test("a tool that says too much is ended, and what it says is not held", () => {
  expect(() =>
    runBatch({ argv: ["/usr/bin/head", "-c", "1G", "/dev/zero"], env: {}, binds: [], timeoutMs: 60_000 }),
  ).toThrow(expect.objectContaining({ kind: "denied", message: "/usr/bin/head had too much to say" }));
});
