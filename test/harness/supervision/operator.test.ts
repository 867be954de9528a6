// An operator's hand on runs, through the real launcher: the whole tree stops, goes on, ends; said twice or by several at once it is done once; and
// nobody else's word counts.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { start } from "#test/support/going.ts";
import { LAUNCHER, makeBench } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";
import { seeded } from "#test/support/random.ts";

/** Writes on and on: a shell, its child in the background, and programs they start. */
const BUSY =
  "(while :; do echo x >> a; sleep 0.01; done) & (while :; do /bin/echo y >> b; done) & while :; do echo z >> c; sleep 0.01; done";
const sizes = (folder: string) =>
  ["a", "b", "c"].map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);

/** Whether the files grow within a time that shows it. */
async function grows(folder: string): Promise<boolean[]> {
  const before = sizes(folder);
  await Bun.sleep(300);
  return sizes(folder).map((size, at) => size > before[at]!);
}

describe("interrupt and resume", () => {
  test("every process stops and goes on; said twice it is done once; each word is on record", async () => {
    using bench = makeBench();
    await using run = await start(bench, BUSY);
    while (sizes(bench.workspace).includes(0)) await Bun.sleep(10);
    const first = await run.say("interrupt");
    expect(first).toEqual({ code: 0, run: run.id, status: "interrupted", changed: true, terminal: false });
    expect(await run.say("interrupt")).toEqual({ ...first, changed: false });
    expect(await grows(bench.workspace)).toEqual([false, false, false]);
    const listed = JSON.parse((await bench.broke(["harness", "status", "--json"])).stdout);
    expect(listed.registry).toMatchObject([{ run: run.id, status: "interrupted", supervisor: expect.any(Number) }]);
    expect(await run.say("resume")).toEqual({ ...first, status: "resumed" });
    expect(await run.say("resume")).toEqual({ ...first, status: "resumed", changed: false });
    expect(await grows(bench.workspace)).toEqual([true, true, true]);
    expect(await run.say("kill")).toMatchObject({ code: 0, changed: true });
    expect(await run.exited).toBe(143);
    const told = run.events().filter(({ event }) => event.startsWith("operator."));
    expect(told.map(({ event, data }) => [event, data.changed])).toEqual([
      ["operator.interrupted", true],
      ["operator.interrupted", false],
      ["operator.resumed", true],
      ["operator.resumed", false],
      ["operator.killed", true],
    ]);
  });

  test("what had stopped by itself stays so", async () => {
    using bench = makeBench();
    await using run = await start(
      bench,
      "(echo $BASHPID > stopped; kill -STOP $BASHPID; echo awake > woken) & while :; do echo c >> c; sleep 0.02; done",
    );
    while (sizes(bench.workspace)[2] === 0) await Bun.sleep(10);
    await Bun.sleep(100);
    await run.say("interrupt");
    await run.say("resume");
    expect((await grows(bench.workspace))[2]).toBe(true);
    expect(existsSync(join(bench.workspace, "woken"))).toBe(false);
    await run.say("kill");
    await run.exited;
  });

  test("the time it does not run does not count", async () => {
    using bench = makeBench();
    await using run = await start(bench, "sleep 1; echo done", { flags: ["--timeout", "3s"] });
    await run.say("interrupt");
    await Bun.sleep(3500);
    await run.say("resume");
    expect(await run.exited).toBe(0);
    expect(run.events().some(({ event }) => event === "limit.reached")).toBe(false);
  });

  test("runs are independent", async () => {
    using bench = makeBench();
    const folders = ["one", "two"].map((name) => join(bench.workspace, name));
    for (const folder of folders)
      await bench.broke(["harness", "status"], { cwd: (await Bun.$`mkdir -p ${folder}`.quiet(), folder) });
    await using one = await start(bench, BUSY, { cwd: folders[0]! });
    await using two = await start(bench, BUSY, { cwd: folders[1]! });
    while (folders.some((folder) => sizes(folder).includes(0))) await Bun.sleep(10);
    await one.say("interrupt");
    expect({ one: (await grows(folders[0]!)).includes(true), two: await grows(folders[1]!) }).toEqual({
      one: false,
      two: [true, true, true],
    });
    await two.say("kill");
    await one.say("kill");
    // What is frozen cannot be asked to end: it is killed.
    expect([await one.exited, await two.exited]).toEqual([137, 143]);
  });
});

describe("kill", () => {
  test("a tree that does not listen, its children in sessions of their own: gone within the grace", async () => {
    using bench = makeBench();
    const deaf =
      "trap '' TERM HUP INT; setsid -f bash -c \"trap '' TERM; while :; do echo b >> b; sleep 0.02; done\"; while :; do echo c >> c; sleep 0.02; done";
    await using run = await start(bench, deaf);
    while (sizes(bench.workspace).slice(1).includes(0)) await Bun.sleep(10);
    const began = performance.now();
    expect(await run.say("kill")).toMatchObject({ code: 0, changed: true });
    expect(await run.exited).toBe(137);
    expect(performance.now() - began).toBeLessThan(8000);
    expect((await grows(bench.workspace)).includes(true)).toBe(false);
    expect(await run.say("kill")).toEqual({
      code: 0,
      run: run.id,
      status: "completed",
      changed: false,
      terminal: false,
    });
    const shown = JSON.parse((await bench.broke(["harness", "show", run.id, "--json"])).stdout);
    expect({ status: shown.status, verdict: shown.verdict.verdict, ledger: shown.ledger.state }).toEqual({
      ...{ status: "completed", verdict: "RETRY_NARROW", ledger: "intact" },
    });
  });

  test("several at once: one of them did it, and each is told", async () => {
    using bench = makeBench();
    await using run = await start(bench, "trap '' TERM; while :; do sleep 0.1; done");
    const said = await Promise.all(Array.from({ length: 4 }, () => run.say("kill")));
    expect(said.filter(({ changed }) => changed === true).length).toBe(1);
    expect(said.every(({ code }) => code === 0)).toBe(true);
    await run.exited;
  });
});

describe("a kill that comes early", () => {
  for (const event of ["run.registered", "attempt.started", "sandbox.planned", "sandbox.probed", "agent.launched"]) {
    test(`after ${event}: the run ends, whatever it was about to do`, async () => {
      using bench = makeBench();
      const child = Bun.spawn([LAUNCHER, "harness", "run", "--client", "exec", "--", "sh", "-c", "exec sleep 60"], {
        ...{ cwd: bench.workspace, env: bench.env, stdio: ["ignore", "ignore", "ignore"] },
      });
      const runs = join(bench.home, "runs");
      const id = () => (existsSync(runs) ? readdirSync(runs)[0] : undefined);
      const ledger = () => {
        const file = join(runs, id() ?? "none", "ledger.jsonl");
        return existsSync(file) ? readFileSync(file, "utf8") : "";
      };
      while (!ledger().includes(`"${event}"`)) await Bun.sleep(1);
      const began = performance.now();
      while ((await bench.broke(["harness", "kill", id()!])).code !== 0) await Bun.sleep(10);
      expect(await child.exited).not.toBe(0);
      expect(performance.now() - began).toBeLessThan(20_000);
      const shown = JSON.parse((await bench.broke(["harness", "show", id()!, "--json"])).stdout);
      expect(["completed", "failed_launch"]).toContain(shown.status);
      expect(shown.ledger.state).toBe("intact");
    });
  }
});

test("words that race: after all of them one state, as the last event says, and a ledger that verifies", async () => {
  using bench = makeBench();
  await using run = await start(bench, BUSY);
  const random = seeded(11);
  const words = Array.from({ length: 12 }, () => random.pick(["interrupt", "resume"]));
  const said = await Promise.all(words.map((word) => run.say(word)));
  expect(said.map(({ code }) => code)).toEqual(words.map(() => 0));
  const told = run.events().filter(({ event }) => /^operator\.(interrupted|resumed)$/.test(event));
  expect(told.length).toBe(words.length);
  const { status } = JSON.parse((await bench.broke(["harness", "show", run.id, "--json"])).stdout);
  expect<unknown>(status).toBe(told.at(-1)!.data.status);
  while (sizes(bench.workspace).includes(0) && status !== "interrupted") await Bun.sleep(10);
  expect((await grows(bench.workspace)).includes(true)).toBe(status !== "interrupted");
  await run.say("kill");
  await run.exited;
  expect((await bench.broke(["harness", "verify", run.id])).code).toBe(0);
});

describe("attach", () => {
  test("the last of what was written, then what comes, until the end; several may, and come again", async () => {
    using bench = makeBench();
    await using run = await start(bench, "echo early; echo err >&2; while [ ! -e go ]; do sleep 0.02; done; echo late");
    const attach = (word: string) =>
      Bun.spawn([LAUNCHER, "harness", word, run.id], {
        cwd: bench.workspace,
        env: bench.env,
        stdio: ["ignore", "pipe", "ignore"],
      });
    const gone = attach("attach");
    await readFrom(gone.stdout).until("err");
    gone.kill("SIGKILL");
    const again = [attach("reattach"), attach("attach")];
    const read = again.map((each) => readFrom(each.stdout));
    await Promise.all(read.map((each) => each.until("early")));
    writeFileSync(join(bench.workspace, "go"), "");
    for (const each of read) expect((await each.rest()).split("\n").sort()).toEqual(["", "early", "err", "late", "up"]);
    expect(await Promise.all(again.map((each) => each.exited))).toEqual([0, 0]);
    expect(await run.exited).toBe(0);
    const events = run
      .events()
      .map(({ event }) => event)
      .filter((event) => event.startsWith("operator."));
    expect(events.toSorted()).toEqual([
      "operator.attached",
      "operator.attached",
      "operator.detached",
      "operator.reattached",
    ]);
  });
});

test("a signal to the supervisor reaches a client that is interrupted", async () => {
  using bench = makeBench();
  await using run = await start(bench, "trap 'echo bye; exit 9' TERM; while :; do sleep 0.05; done");
  await run.say("interrupt");
  process.kill(run.pid, "SIGTERM");
  expect({ code: await run.exited, bye: (await run.out.rest()).includes("bye") }).toEqual({ code: 9, bye: true });
});

test("a viewer whose reader goes is gone too", async () => {
  using bench = makeBench();
  await using run = await start(bench, "while :; do echo line; sleep 0.02; done");
  const viewer = Bun.spawn(["/bin/sh", "-c", `${LAUNCHER} harness attach ${run.id} 2>/dev/null | head -1; echo over`], {
    ...{ cwd: bench.workspace, env: bench.env, stdio: ["ignore", "pipe", "ignore"] },
  });
  expect((await new Response(viewer.stdout).text()).split("\n").at(-2)).toBe("over");
  await run.say("kill");
  await run.exited;
});

describe("nobody else's word counts", () => {
  const words = async (path: string, text: string): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    let said = "";
    await Bun.connect({
      unix: path,
      socket: {
        open: (socket) => void socket.write(text),
        data: (_, bytes) => void (said += bytes),
        close: () => resolve(said),
        error: () => resolve(said),
      },
    });
    return promise;
  };
  test("not what is no request, not another pid namespace, not the sandbox", async () => {
    using bench = makeBench();
    await using run = await start(bench, `ls -d ${bench.home}/run 2>&1; ${BUSY}`);
    while (sizes(bench.workspace).includes(0)) await Bun.sleep(10);
    const path = join(bench.home, "run", `${run.id}.sock`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await words(path, '{"act":"launch"}\n')).toBe('{"ok":false,"reason":"not a request"}\n');
    expect(await words(path, '{"act":"kill","now":true}\n')).toBe('{"ok":false,"reason":"not a request"}\n');
    expect(await words(path, "kill\n")).toBe('{"ok":false,"reason":"not a request"}\n');
    expect(await words(path, "x".repeat(10_000))).toBe("");
    const script = `await Bun.connect({ unix: ${JSON.stringify(path)}, socket: { open: (s) => void s.write('{"act":"resume"}\\n'), data: (_, b) => console.log(String(b).slice(0, 10)), close: () => process.exit(0), error: () => process.exit(0) } }).catch(() => process.exit(0));`;
    const from = async (...words: string[]) => {
      const child = Bun.spawn(["/usr/bin/unshare", "-Ur", ...words, process.execPath, "-e", script], {
        ...{ env: {}, stdio: ["ignore", "pipe", "ignore"] },
      });
      return { said: await new Response(child.stdout).text(), code: await child.exited };
    };
    expect(await from("--pid", "--fork")).toEqual({ said: "", code: 0 });
    const told = run.events().filter(({ event }) => event.startsWith("operator."));
    expect(told.map(({ event, data }) => [event, data.reason])).toEqual([
      ...Array.from({ length: 4 }, () => ["operator.refused", "not a request"]),
      ["operator.refused", "not the operator"],
    ]);
    // The same from our own, so that it is the namespace that made the difference.
    expect(await from()).toEqual({ said: '{"ok":true\n', code: 0 });
    expect((await grows(bench.workspace)).includes(false)).toBe(false);
    await run.say("kill");
    expect(await run.out.rest()).toContain("No such file or directory");
    await run.exited;
  });
});

test("a supervisor that is killed while its run is interrupted takes everything along, and the run is closed as abandoned", async () => {
  using bench = makeBench();
  await using run = await start(bench, BUSY);
  await run.say("interrupt");
  process.kill(run.pid, "SIGKILL");
  await run.exited;
  expect(await run.say("resume")).toMatchObject({ code: 3, error: expect.stringContaining("supervisor is gone") });
  const status = JSON.parse((await bench.broke(["harness", "status", "--json"])).stdout);
  expect(status.registry).toMatchObject([{ run: run.id, status: "interrupted", supervisor: null }]);
  expect((await bench.broke(["harness", "reconcile"])).stdout).toBe(`${run.id}: abandoned\n`);
  expect(existsSync(join(bench.home, "run", `${run.id}.sock`))).toBe(false);
  expect((await grows(bench.workspace)).includes(true)).toBe(false);
  expect((await bench.broke(["harness", "verify", run.id])).code).toBe(0);
  expect((await bench.broke(["harness", "reconcile"])).stdout).toBe("nothing to reconcile\n");
});
