// What counts as a sign of life, and a run that shows none.

import { expect, test } from "bun:test";
import { watchActivity } from "#harness/activity.ts";
import { makeBench } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";

test("quiet is the time since the last sign, and none while something takes its time", () => {
  let now = 0;
  const activity = watchActivity(() => now);
  const at = (ms: number) => {
    now = ms;
    return activity.quietMs();
  };
  expect(at(30)).toBe(30);
  activity.stir();
  expect(at(50)).toBe(20);
  const [one, other] = [activity.begin(), activity.begin()];
  expect(at(500)).toBe(0);
  one();
  one();
  expect(at(900)).toBe(0);
  other();
  expect([activity.quietMs(), at(950)]).toEqual([0, 50]);
});

const run = (options: string[], script: string) => {
  const bench = makeBench();
  return bench
    .broke(["harness", "run", "--client", "exec", ...options, "--", "sh", "-c", script])
    .finally(() => bench[Symbol.dispose]());
};

test("a run that shows no sign of life is ended; one that prints or starts something is not", async () => {
  const [still, prints, starts] = await Promise.all([
    run(["--idle-timeout", "2s"], "sleep 60"),
    run(["--idle-timeout", "2s"], "perl -e '$|=1; for (1..30) { print 1; select(undef, undef, undef, 0.1) }'"),
    run(["--idle-timeout", "2s"], "for i in 1 2 3 4 5 6; do sleep 0.5; done"),
  ]);
  expect([still.code, prints.code, starts.code]).toEqual([10, 0, 0]);
  expect(still.stderr).toContain("broke: the run reached its limit: idle 2 s\n");
}, 60_000);

test("a model that takes its time is no idleness", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(async () => {
    await Bun.sleep(4000);
    return say("Done.");
  });
  await bench.answerFrom(upstream.url);
  const ran = await bench.broke([
    "harness",
    "run",
    "--task",
    "Say something.",
    "--idle-timeout",
    "3s",
    "--timeout",
    "50s",
  ]);
  expect([ran.code, ran.stderr.includes("idle")]).toEqual([0, false]);
}, 60_000);

test("--idle-timeout takes a duration", async () => {
  const ran = await run(["--idle-timeout", "soon"], "true");
  expect([ran.code, ran.stderr]).toEqual([2, "broke: --idle-timeout takes 1s to 7d\nbroke: as in 90s, 10m, 2h\n"]);
});
