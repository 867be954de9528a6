// When processes end, and how, seen by somebody who is not their parent.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { release } from "node:os";
import { type ExecEnd, type EndWatch, watchEnds } from "#sandbox/exec-ends.ts";
import { hostArch } from "#sandbox/host.ts";
import { readFrom } from "#test/support/reading.ts";

const [major = 0, minor = 0] = release().split(".").map(Number);
const tellsCodes = major > 6 || (major === 6 && minor >= 15);

let ends: EndWatch;
beforeEach(() => {
  ends = watchEnds(hostArch());
});
afterEach(() => ends[Symbol.dispose]());

/** A parent that starts children, says their numbers, and goes on as the last words say. */
async function startFamily(children: string[], then: string) {
  const starts = children.map((child) => `(${child}) & pids="$pids $!"`).join("; ");
  const parent = Bun.spawn(["/bin/bash", "-c", `${starts}; echo $pids; read go; ${then}`], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const pids = (await readFrom(parent.stdout).until("\n")).trim().split(" ").map(Number);
  for (const pid of pids) ends.add(pid);
  return {
    pids,
    go: () => void parent.stdin.write("\n"),
    async [Symbol.asyncDispose]() {
      parent.kill("SIGKILL");
      await parent.exited;
    },
  };
}

async function seen(count: number): Promise<ExecEnd[]> {
  const found: ExecEnd[] = [];
  for (; found.length < count; await Bun.sleep(1)) found.push(...ends.take());
  return found;
}

test.skipIf(!tellsCodes)("its code or its signal, once its parent has asked (needs Linux 6.15)", async () => {
  await using family = await startFamily(["sleep 0.1", "sleep 0.1; exit 7", "exec sleep 100"], "kill -15 $!; wait");
  const begunMs = Date.now();
  family.go();
  const found = await seen(3);
  expect(found.map(({ pid, code, signal }) => [family.pids.indexOf(pid), code, signal]).sort()).toEqual([
    [0, 0, null],
    [1, 7, null],
    [2, null, 15],
  ]);
  expect(found.every(({ atMs }) => atMs >= begunMs && atMs <= Date.now())).toBe(true);
});

test("of one nobody asks about: when, and not how", async () => {
  await using family = await startFamily(["sleep 0.3"], "exec sleep 100");
  family.go();
  const begunMs = Date.now();
  for (let found = ends.take(); Date.now() < begunMs + 900; found = ends.take()) {
    expect(found).toEqual([]);
    await Bun.sleep(5);
  }
  const [end, ...more] = ends.rest(0);
  expect([end!.pid, end!.code, end!.signal, more]).toEqual([family.pids[0]!, null, null, []]);
  expect(end!.atMs).toBeLessThan(begunMs + 800);
});

test("one that goes on has no end, and one that is gone already is not watched", async () => {
  await using family = await startFamily(["sleep 100"], "sleep 100");
  const gone = Bun.spawnSync(["/bin/true"]).pid;
  ends.add(gone);
  expect([ends.take(), ends.rest(10), family.pids.length]).toEqual([[], [], 1]);
});
