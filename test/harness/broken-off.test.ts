// A command that takes a run's work over, ended in the middle of it: said again, it does the rest.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";

const FILES = 2_000;
const MAKE = `for at in $(seq ${FILES}); do echo $at > made-$at; done`;
const made = (bench: Bench) => readdirSync(bench.workspace).filter((name) => name.startsWith("made-")).length;

const run = async (bench: Bench, ...options: string[]) => {
  const words = ["harness", "run", "--client", "exec", ...options, "--", "sh", "-c", MAKE];
  return runIdOf(await bench.broke(words));
};

/** Ends the command once it has done some of its work, and not all of it. */
async function breakOff(bench: Bench, words: string[], signal: "SIGINT" | "SIGKILL") {
  const child = Bun.spawn([LAUNCHER, ...words], {
    cwd: bench.workspace,
    env: bench.env,
    stdio: ["ignore", "ignore", "ignore"],
  });
  while (made(bench) === 0 && child.exitCode === null) await Bun.sleep(1);
  child.kill(signal);
  await child.exited;
}

describe.each(["SIGINT", "SIGKILL"] as const)("by %s", (signal) => {
  test("landing", async () => {
    using bench = makeBench();
    const id = await run(bench, "--workspace=copy");
    await breakOff(bench, ["harness", "land", id], signal);
    const again = await bench.broke(["harness", "land", id]);
    expect([again.code, made(bench)]).toEqual([0, FILES]);
    expect(existsSync(join(bench.home, "runs", id, "writer"))).toBe(false);
  });

  test("accepting what waits", async () => {
    using bench = makeBench();
    writeFileSync(join(bench.workspace, "a"), "one\n");
    const judged = ["--workspace=copy", "--policy", "throughput", "--verify", "grep three a", "--retries", "0"];
    const id = await run(bench, ...judged);
    await breakOff(bench, ["harness", "decide", id, "accept"], signal);
    const again = await bench.broke(["harness", "decide", id, "accept"]);
    expect([again.code, made(bench)]).toEqual([0, FILES]);
  });
});
