// The governor with programs, proofs and a tree of the test's own: what it holds back while a proof goes on, what a test's end is worth, whose children
// are part of it.

import { afterAll, describe, expect, test } from "bun:test";
import { type Governor, makeGovernor } from "#harness/governor/governor.ts";
import type { Proof } from "#harness/verification.ts";
import type { HeldExec } from "#sandbox/observer.ts";

const LIMIT = 10; // high_assurance
const children: Bun.Subprocess[] = [];
/** A process that is there, to be the one that asks. */
const process_ = () => {
  const child = Bun.spawn(["/usr/bin/sleep", "600"], { stdio: ["ignore", "ignore", "ignore"] });
  children.push(child);
  return child;
};
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

type Asked = { pid?: number; lineage?: number[]; file?: string; stamp?: string; exe?: string };
const call = (
  line: string,
  { pid = 0, lineage = [3, 2], file, stamp = "1", exe = "/usr/bin/bash" }: Asked = {},
): HeldExec => {
  const argv = line.split(" ");
  const path = file ?? `/usr/bin/${argv[0]}`;
  return {
    exec: {
      ...{ pid, atMs: 0, lineage, path, argv, cut: false, cwd: "/work", exe, files: [path] },
      outcome: "started",
      reason: null,
    },
    files: [],
    programs: [{ id: "1:1", stamp, path }],
    loaders: [],
  };
};

type World = {
  governor: Governor;
  told: string[];
  events: [string, unknown][];
  proofs: string[][];
  /** Answers the proof that is asked for, now or soon. */
  answer: (proof: Proof) => Promise<void>;
  tree: { now: string };
};

function govern(verification: string[] = []): World {
  const [told, events, proofs] = [[], [], []] as [string[], [string, unknown][], string[][]];
  const tree = { now: "a" };
  const answers: ((proof: Proof) => void)[] = [];
  const governor = makeGovernor({
    policy: "high_assurance",
    places: { workspace: "/work", shims: "/shims", scratch: ["/tmp"], tree: "/none", top: () => [] },
    verification,
    prove(commands) {
      proofs.push(commands);
      const { promise, resolve } = Promise.withResolvers<Proof>();
      answers.push(resolve);
      return promise;
    },
    fingerprint: () => tree.now,
    record: (event, data) => void events.push([event, data]),
    tell: (text) => void told.push(text),
  });
  const answer = async (proof: Proof) => {
    while (answers.length === 0) await Bun.sleep(1);
    answers.shift()!(proof);
  };
  return { governor, told, events, proofs, tree, answer };
}

/** A run whose client has been let through, and so many writes. */
async function after(writes: number, verification: string[] = []): Promise<World & AsyncDisposable> {
  const world = govern(verification);
  expect(await world.governor.judge(call("rm -rf /"))).toBe(true); // the client itself
  for (let at = 0; at < writes; at++) expect(await world.governor.judge(call("touch x"))).toBe(true);
  return { ...world, [Symbol.asyncDispose]: () => world.governor.stop() };
}
const refused = { refused: expect.stringContaining("broke: refused"), end: false };
const gone = async (child: Bun.Subprocess) => {
  child.kill("SIGKILL");
  await child.exited;
};

describe("what a test's end is worth while every command may run", () => {
  const rows: [name: string, line: string, code: number | null, resets: boolean][] = [
    ["green, by a runner that fails without tests", "pytest -q", 0, true],
    ["green, by python -m pytest", "python3 -m pytest", 0, true],
    ["green, by one that does not", "go test ./...", 0, false],
    ["green, by a task", "make test", 0, false],
    ["red", "pytest", 1, false],
    ["nobody knows", "pytest", null, false],
    ["a version", "pytest --version", 0, false],
    ["an empty set that passes", "jest --passWithNoTests", 0, false],
    ["another program's", "ls", 0, false],
  ];
  test.each(rows)("%s", async (_, line, code, resets) => {
    await using world = await after(LIMIT - 1);
    const child = process_();
    expect(await world.governor.judge(call(line, { pid: child.pid }))).toBe(true);
    world.governor.ended({ pid: child.pid, code });
    expect(await world.governor.judge(call("touch x"))).toBe(true);
    // One more is beyond the limit, unless the count began anew.
    expect<unknown>(await world.governor.judge(call("touch x"))).toEqual(resets ? true : refused);
  });

  test("red twice in a row, and only verification may run", async () => {
    await using world = await after(0);
    for (let at = 0; at < 2; at++) {
      const child = process_();
      await world.governor.judge(call("pytest", { pid: child.pid }));
      world.governor.ended({ pid: child.pid, code: 1 });
    }
    expect<unknown>(await world.governor.judge(call("touch x"))).toEqual(refused);
    expect(world.governor.findings()).toEqual([
      {
        category: "verification",
        grade: "finding",
        source: "observation",
        reason: "the governor ended at verification only: verification failed too often in a row",
      },
    ]);
  });
});

describe("a proof", () => {
  test("begins when the worker's test has ended; what it may free waits for it, reads do not", async () => {
    await using world = await after(LIMIT);
    const child = process_();
    expect(await world.governor.judge(call("pytest -q", { pid: child.pid }))).toBe(true);
    expect<unknown>(await world.governor.judge(call("touch x"))).toEqual(refused);
    expect(world.proofs).toEqual([]);
    await gone(child);
    const waits = world.governor.judge(call("touch x"));
    expect(await world.governor.judge(call("ls"))).toBe(true);
    expect(world.proofs).toEqual([]);
    world.governor.ended({ pid: child.pid, code: 0 });
    await world.answer({ green: true, ran: true });
    expect(world.proofs).toEqual([["cd '/work' && exec '/usr/bin/pytest' '-q'"]]);
    expect(await waits).toBe(true);
    expect(world.told.at(-1)).toBe("governor: verified green, every command may run again");
  });

  test("not of what the worker's own test said was red, though that is told after it is seen to be gone", async () => {
    await using world = await after(LIMIT);
    const child = process_();
    await world.governor.judge(call("pytest", { pid: child.pid }));
    await gone(child);
    const waits = world.governor.judge(call("touch x"));
    world.governor.ended({ pid: child.pid, code: 1 });
    expect<unknown>(await waits).toEqual(refused);
    expect(world.proofs).toEqual([]);
  });

  test("of a test whose end is never told all the same", async () => {
    await using world = await after(LIMIT);
    const child = process_();
    await world.governor.judge(call("pytest", { pid: child.pid }));
    await gone(child);
    const waits = world.governor.judge(call("touch x"));
    await world.answer({ green: true, ran: true });
    expect(await waits).toBe(true);
  });

  const rows: [name: string, verification: string[], proof: Proof, change: boolean, frees: boolean][] = [
    ["red", [], { green: false, ran: true }, false, false],
    ["green, and no test ran", [], { green: true, ran: false }, false, false],
    ["green, on another tree than there is", [], { green: true, ran: true }, true, false],
    ["the operator's, green", ["grep x y"], { green: true, ran: false }, false, true],
    ["the operator's, red", ["grep x y"], { green: false, ran: true }, false, false],
  ];
  test.each(rows)("%s", async (_, verification, proof, change, frees) => {
    await using world = await after(LIMIT, verification);
    const child = process_();
    await world.governor.judge(call("pytest", { pid: child.pid }));
    await gone(child);
    world.governor.ended({ pid: child.pid, code: null });
    const waits = world.governor.judge(call("touch x"));
    while (world.proofs.length === 0) await Bun.sleep(1);
    if (change) world.tree.now = "b";
    await world.answer(proof);
    expect<unknown>(await waits).toEqual(frees ? true : refused);
    if (verification.length > 0) expect(world.proofs).toEqual([verification]);
  });

  test("no proof for a runner that the worker made, or whose module it made", async () => {
    await using world = await after(LIMIT);
    const child = process_();
    const made = String(BigInt(Date.now() + 60_000) * 1_000_000n);
    expect<unknown>(await world.governor.judge(call("pytest", { pid: child.pid, stamp: made }))).toEqual(refused);
    await world.governor.judge({
      ...call("python3 -m pytest", { pid: child.pid }),
      exec: { ...call("python3 -m pytest").exec, cwd: "/elsewhere" },
    });
    await gone(child);
    expect<unknown>(await world.governor.judge(call("touch x"))).toEqual(refused);
    expect(world.proofs).toEqual([]);
  });

  test("nobody waits for one when the run is over", async () => {
    const world = await after(LIMIT);
    const child = process_();
    await world.governor.judge(call("pytest", { pid: child.pid }));
    await gone(child);
    world.governor.ended({ pid: child.pid, code: 0 });
    const waits = world.governor.judge(call("touch x"));
    while (world.proofs.length === 0) await Bun.sleep(1);
    const stopped = world.governor.stop();
    await world.answer({ green: true, ran: true });
    await stopped;
    expect<unknown>(await waits).toEqual(refused);
  });
});

describe("whose children are part of a test", () => {
  test("those it started, at any depth, as long as it is that process", async () => {
    await using world = await after(LIMIT);
    const child = process_();
    await world.governor.judge(call("pytest", { pid: child.pid }));
    expect(await world.governor.judge(call("touch x", { lineage: [900_001, child.pid, 2] }))).toBe(true);
    expect<unknown>(await world.governor.judge(call("touch x", { lineage: [900_001, 2] }))).toEqual(refused);
    await gone(child);
    // Its number is nobody's, or another's.
    const other = world.governor.judge(call("touch x", { lineage: [900_001, child.pid, 2] }));
    await world.answer({ green: false, ran: false });
    expect<unknown>(await other).toEqual(refused);
  });
});

test("a search along PATH is one refusal on record", async () => {
  await using world = await after(LIMIT);
  for (const file of ["/usr/local/bin/touch", "/usr/bin/touch", "/bin/touch"])
    await world.governor.judge(call("touch x", { pid: 7, file }));
  await world.governor.judge(call("touch x", { pid: 8 }));
  expect(world.events.filter(([event]) => event === "governor.intervened").length).toBe(2);
});
