// One writer in a workspace, and in all above and below it: the second is refused and told who has it; who died in it is cleared away.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";

/** A run that says "up", waits for a line, and ends. */
function worker(bench: Bench, cwd = bench.workspace, script = "true") {
  const child = Bun.spawn(
    [LAUNCHER, "harness", "run", "--client", "exec", "--", "sh", "-c", `${script}; echo up; read x; echo over`],
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
