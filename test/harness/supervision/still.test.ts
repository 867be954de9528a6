// What is done while everything in the sandbox stands still, beside what its operator says: one after the other, and a kill at once.

import { expect, test } from "bun:test";
import { operate } from "#harness/supervision/operate.ts";
import type { RunStatus } from "#src/state/runs.ts";

function makeRun(freezes = true) {
  const done: string[] = [];
  let status: RunStatus = "launched";
  const note = (what: string) => void done.push(what);
  const answer = (what: string, ok: boolean) => async () => (note(what), ok);
  const operated = operate({
    ...{ runId: "run_1", endSoon: () => note("end"), tell() {}, record() {}, terminal: false, governor: undefined },
    run: { freeze: answer("freeze", freezes), thaw: answer("thaw", true), kill: () => note("kill") },
    runs: {
      get: () => ({ status }) as never,
      setStatus: (_, to) => void (status = to),
    },
    clock: { pause: () => note("pause"), resume: () => note("resume") },
  });
  return {
    operated,
    done,
    act:
      (what = "act") =>
      async () => (note(what), what),
  };
}

test("it is frozen before and goes on after, whatever comes of it", async () => {
  const { operated, done, act } = makeRun();
  expect(await operated.still(act())).toBe("act");
  await expect(operated.still(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  const once = ["pause", "freeze", "act", "thaw", "resume"];
  expect(done).toEqual([...once, ...once.filter((each) => each !== "act")]);
});

test("where it cannot be frozen nothing is done", async () => {
  const { operated, done, act } = makeRun(false);
  expect(await operated.still(act())).toBeUndefined();
  expect(done).toEqual(["pause", "freeze", "thaw", "resume"]);
});

test("what its operator froze stays so, and their word waits until it is done", async () => {
  const { operated, done, act } = makeRun();
  const gate = Promise.withResolvers<void>();
  const held = operated.still(async () => (await gate.promise, act("first")()));
  const interrupted = operated.act("interrupt");
  await Bun.sleep(5);
  expect(done).toEqual(["pause", "freeze"]);
  gate.resolve();
  await Promise.all([held, interrupted]);
  await operated.still(act("second"));
  expect(done.slice(2)).toEqual(["first", "thaw", "resume", "pause", "freeze", "second"]);
  expect(operated.frozen()).toBe(true);
});

test("a kill waits for nothing, and nothing is done any more", async () => {
  const { operated, done, act } = makeRun();
  const gate = Promise.withResolvers<void>();
  const held = operated.still(() => gate.promise);
  await Bun.sleep(5);
  await operated.act("kill");
  expect(done).toEqual(["pause", "freeze", "kill"]);
  gate.resolve();
  await held;
  expect(await operated.still(act())).toBeUndefined();
});
