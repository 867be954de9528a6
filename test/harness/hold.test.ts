// Several runs in one workspace, or in workspaces that overlap: what one protects stays protected until the last is over, and then nothing is left.

import { expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";

/** A run that says "up", waits for a line, and then tries to write the given names. */
function worker(bench: Bench, names: string[], cwd = bench.workspace) {
  const tries = [":", ...names.map((name) => `(echo x > ${name}) 2>/dev/null && echo "wrote ${name}"`)].join("; ");
  const child = Bun.spawn(
    [LAUNCHER, "harness", "run", "--client", "exec", "--", "sh", "-c", `echo up; read x; ${tries}; echo over`],
    { cwd, env: bench.env, stdio: ["pipe", "pipe", "pipe"] },
  );
  const reading = readFrom(child.stdout);
  return {
    up: () => reading.until("up"),
    kill: () => child.kill("SIGKILL"),
    async end() {
      child.stdin.write("\n");
      child.stdin.end();
      const [stdout, stderr] = await Promise.all([reading.rest(), new Response(child.stderr).text()]);
      return { code: await child.exited, stdout, stderr };
    },
    exited: child.exited,
  };
}

const NAMES = [".mcp.json", ".vscode/tasks.json", ".claude/settings.json", ".claude/hooks/x", ".github/workflows/x"];

for (const order of ["first in, first out", "first in, last out"]) {
  test(`${order}: nothing protected can be written, nothing is left, neither run reports the other's placeholders`, async () => {
    using bench = makeBench();
    const first = worker(bench, NAMES);
    await first.up();
    const second = worker(bench, NAMES);
    await second.up();
    const ends = order === "first in, first out" ? [first, second] : [second, first];
    for (const run of ends) {
      const ran = await run.end();
      expect({ code: ran.code, wrote: ran.stdout.includes("wrote") }).toEqual({ code: 0, wrote: false });
      const shown = JSON.parse((await bench.broke(["harness", "show", runIdOf(ran), "--json"])).stdout);
      expect(shown.inventory.changes).toEqual([]);
    }
    expect(readdirSync(bench.workspace)).toEqual([]);
  });
}

test("a workspace in another's", async () => {
  using bench = makeBench();
  const inner = join(bench.workspace, "packages", "a");
  mkdirSync(inner, { recursive: true });
  expect(Bun.spawnSync(["git", "init", "-q", inner]).success).toBe(true);
  const small = worker(bench, [], inner);
  await small.up();
  const large = worker(bench, ["packages/a/.git/config.worktree", "packages/a/.git/modules/x"]);
  await large.up();
  expect((await small.end()).code).toBe(0);
  expect((await large.end()).stdout).toEndWith("over\n");
  expect([readdirSync(bench.workspace), readdirSync(inner)]).toEqual([["packages"], [".git"]]);
  expect(readdirSync(join(inner, ".git"))).not.toContain("config.worktree");
});

test("a run that died is closed while another goes on: what it placed stays as long as that one", async () => {
  using bench = makeBench();
  const dead = worker(bench, []);
  await dead.up();
  const other = worker(bench, NAMES);
  await other.up();
  dead.kill();
  await dead.exited;
  expect((await bench.broke(["harness", "reconcile"])).stdout).toContain("abandoned");
  expect(readdirSync(bench.workspace)).toContain(".mcp.json");
  expect((await other.end()).stdout).toEndWith("over\n");
  expect(readdirSync(bench.workspace)).toEqual([]);
});
