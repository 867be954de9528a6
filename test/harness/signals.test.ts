// Signals to a run whose client does not listen to them: a job that is cancelled, a terminal that is closed.

import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";

test.each(["SIGTERM", "SIGHUP"] as const)(
  "%s: a client that ignores it is ended, seen to its end, and its work is kept",
  async (signal) => {
    using bench = makeBench();
    const script = `trap "" TERM HUP; echo work > work; echo ready; while :; do sleep .1; done`;
    const options = ["--policy", "throughput", "--verify", "true", "--workspace", "copy"];
    const child = Bun.spawn([LAUNCHER, "harness", "run", "--client", "exec", ...options, "--", "bash", "-c", script], {
      ...{ cwd: bench.workspace, env: bench.env, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    });
    const stdout = child.stdout.getReader();
    await stdout.read();
    child.kill(signal);
    const [code, stderr] = [await child.exited, await new Response(child.stderr).text()];
    const id = runIdOf({ code, stdout: "", stderr });
    expect({ code, stderr }).toEqual({
      ...{ code: 137, stderr: expect.stringContaining(`run ${id} RETRY_NARROW exit 137 exit_source client`) },
    });
    const folder = join(bench.home, "runs", id);
    expect([stderr.includes("unobserved"), readFileSync(join(folder, "tree/work"), "utf8")]).toEqual([false, "work\n"]);
    expect((await bench.broke(["harness", "decide", id, "accept"])).code).toBe(0);
    expect(existsSync(join(bench.workspace, "work"))).toBe(true);
  },
);

test.each(["SIGTERM", "SIGINT"] as const)("%s before the client is there: it is not launched", async (signal) => {
  using bench = makeBench();
  const long = `sleep 600.${Date.now()}`;
  const child = Bun.spawn(
    [
      ...[LAUNCHER, "harness", "run", "--client", "exec", "--policy", "balanced"],
      ...["--verify", long, "--verify", "true", "--", "touch", "made"],
    ],
    { cwd: bench.workspace, env: bench.env, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const verifying = () => Bun.spawnSync(["pgrep", "-x", "-f", long]).success;
  while (!verifying()) await Bun.sleep(20);
  child.kill(signal);
  const [code, stderr] = [await child.exited, await new Response(child.stderr).text()];
  expect({ code, stderr }).toEqual({
    ...{
      code: signal === "SIGINT" ? 130 : 143,
      stderr: expect.stringContaining("the run was told to end before its client was launched"),
    },
  });
  const [id] = readdirSync(join(bench.home, "runs"));
  const shown = JSON.parse((await bench.broke(["harness", "show", id!, "--json"])).stdout) as Record<string, unknown>;
  expect([existsSync(join(bench.workspace, "made")), shown["commands"] ?? []]).toEqual([false, []]);
  const events = readFileSync(join(bench.home, "runs", id!, "ledger.jsonl"), "utf8");
  expect(["agent.launched", "verification.baseline"].filter((event) => events.includes(event))).toEqual([]);
});
