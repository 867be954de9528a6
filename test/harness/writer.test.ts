// One writer in a workspace, and in all above and below it: the second is refused and told who has it; who died in it is cleared away.

import { expect, test } from "bun:test";
import { closeSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { takeLock } from "#harness/lock.ts";
import { type Bench, LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";

/** A run that says "up", waits for a line, and ends. */
function worker(bench: Bench, cwd = bench.workspace, script = "true", options: string[] = []) {
  const child = Bun.spawn(
    [
      LAUNCHER,
      "harness",
      "run",
      "--client",
      "exec",
      ...options,
      "--",
      "sh",
      "-c",
      `${script}; echo up; read x; echo over`,
    ],
    { cwd, env: bench.env, stdio: ["pipe", "pipe", "pipe"] },
  );
  const reading = readFrom(child.stdout);
  return {
    up: () => reading.until("up"),
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
    async end() {
      child.stdin.write("\n");
      child.stdin.end();
      const [stdout, stderr] = await Promise.all([reading.rest(), new Response(child.stderr).text()]);
      return { code: await child.exited, stdout, stderr };
    },
  };
}

const run = (bench: Bench, cwd = bench.workspace, env = {}) =>
  bench.broke(["harness", "run", "--client", "exec", "--", "touch", "made"], { cwd, env });

const refusal = (by: string) => ({
  code: 4,
  stdout: "",
  stderr: `broke: ${by} works in this workspace\nbroke: wait for it, or work beside it with --workspace=worktree or --workspace=copy\n`,
});

test("the same folder, one above and one below: refused with the run that has it; a neighbour's is free", async () => {
  using bench = makeBench();
  const middle = join(bench.workspace, "packages");
  const [inner, beside] = [join(middle, "a"), join(bench.workspace, "other")];
  for (const folder of [inner, beside]) mkdirSync(folder, { recursive: true });
  const first = worker(bench, middle);
  await first.up();
  const id = readdirSync(join(bench.home, "runs"))[0]!;
  for (const cwd of [middle, inner, bench.workspace]) expect(await run(bench, cwd)).toEqual(refusal(id));
  expect((await run(bench, beside)).code).toBe(0);
  expect(await first.end()).toMatchObject({ code: 0, stdout: expect.stringContaining("over\n") });
  expect([readdirSync(inner), readdirSync(middle), readdirSync(bench.workspace).sort()]).toEqual([
    [],
    ["a"],
    ["other", "packages"],
  ]);
  expect((await run(bench, inner)).code).toBe(0);
});

test("of many that start at once one has it, and the others know which", async () => {
  using bench = makeBench();
  const workers = [1, 2, 3, 4].map(() => worker(bench));
  const first = await Promise.any(workers.map(async (one) => (await one.up(), one)));
  const ends = await Promise.all(workers.filter((one) => one !== first).map((one) => one.end()));
  const ended = await first.end();
  expect(ended.code).toBe(0);
  for (const end of ends) expect(end).toEqual(refusal(runIdOf(ended)));
  expect(readdirSync(bench.workspace)).toEqual([]);
});

test("another BROKE_HOME sees that somebody has the folder", async () => {
  using bench = makeBench();
  const first = worker(bench);
  await first.up();
  expect(await run(bench, bench.workspace, { BROKE_HOME: join(bench.env["HOME"]!, "other-home") })).toEqual(
    refusal("another run"),
  );
  expect((await first.end()).code).toBe(0);
});

test("a run that died in it, above or below, is cleared away by the next: placeholders and traps, and then on record", async () => {
  using bench = makeBench();
  const inner = join(bench.workspace, "a");
  mkdirSync(inner);
  const dead = worker(bench, inner, "git init -q x; echo y > x/.git/hooks/pre-push");
  await dead.up();
  await dead.kill();
  expect(readdirSync(inner)).toContain(".mcp.json");
  const next = await run(bench);
  expect(next.code).toBe(0);
  const shown = JSON.parse((await bench.broke(["harness", "show", runIdOf(next), "--json"])).stdout);
  expect(shown.inventory.changes.map(({ path }: { path: string }) => path)).toEqual(["made"]);
  expect([readdirSync(inner), existsSync(join(inner, "x/.git/hooks/pre-push"))]).toEqual([["x"], false]);
  expect((await bench.broke(["harness", "reconcile"])).stdout).toContain("abandoned");
  const id = readdirSync(join(bench.home, "runs")).find((name) => name !== runIdOf(next))!;
  const swept = JSON.parse((await bench.broke(["harness", "show", id, "--json"])).stdout).swept;
  expect(swept).toMatchObject({ total: 1, swept: [{ path: "x/.git/hooks/pre-push", action: "quarantined" }] });
});

test("what cannot be read of an old run's keeps nobody from working", async () => {
  using bench = makeBench();
  const dead = worker(bench);
  await dead.up();
  await dead.kill();
  const [id] = readdirSync(join(bench.home, "runs"));
  for (const name of ["placeholders.json", "baseline.json"]) writeFileSync(join(bench.home, "runs", id!, name), "{");
  expect((await run(bench)).code).toBe(0);
  expect(Bun.spawnSync(["rm", "-r", join(bench.home, "runs", id!)]).success).toBe(true);
  expect((await run(bench)).code).toBe(0);
});

test("a folder allowed for writing: not where another run works, and no run begins where one may write; sharing one is free", async () => {
  using bench = makeBench();
  const [a, b, shared] = ["a", "b", "shared"].map((name) => join(bench.workspace, name)) as [string, string, string];
  for (const folder of [join(a, "in"), b, shared]) mkdirSync(folder, { recursive: true });
  const start = (cwd: string, ...options: string[]) =>
    bench.broke(["sandbox", "run", ...options, "--", "true"], { cwd });
  const first = worker(bench, a, "true", [`--allow-write=${shared}`]);
  await first.up();
  const [id] = readdirSync(join(bench.home, "runs"));
  for (const path of [a, join(a, "in")]) {
    for (const mode of ["direct", "copy"])
      expect({ mode, ...(await start(b, `--workspace=${mode}`, `--allow-write=${path}`)) }).toEqual({
        ...{ mode, code: 4, stdout: "" },
        stderr: `broke: ${id} works in "${path}", allowed for writing\nbroke: wait for it, or allow another folder\n`,
      });
  }
  expect(await start(shared)).toMatchObject({
    code: 4,
    stderr: expect.stringContaining(`broke: ${id} may write in this workspace\n`),
  });
  expect((await start(shared, "--workspace=copy")).code).toBe(0);
  expect((await start(b, `--allow-write=${shared}`)).code).toBe(0);
  expect((await first.end()).code).toBe(0);
  expect((await start(shared)).code).toBe(0);
  expect((await start(b, `--allow-write=${a}`)).code).toBe(0);
});

test("the work of a run is taken over, or taken away, by one at a time", async () => {
  using bench = makeBench();
  const ran = await bench.broke(["sandbox", "run", "--workspace=copy", "--", "touch", "made"]);
  const id = runIdOf(ran);
  const lock = takeLock(join(bench.home, "runs", id, "lock"))!;
  for (const verb of ["land", "discard"]) {
    expect(await bench.broke(["harness", verb, id])).toMatchObject({
      stdout: "",
      stderr: expect.stringContaining("the run is still going on, or its work is being taken over"),
    });
  }
  closeSync(lock);
  expect(await bench.broke(["harness", "land", id])).toMatchObject({ code: 0, stdout: "made\n" });
});
