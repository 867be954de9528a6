// A supervisor killed with SIGKILL at points drawn by a seed, over the whole life of runs of every kind: one truth after each, and every ledger verifies.
// BROKE_KILLS is the number of points (100 in `test:long`), BROKE_SEED the seed, printed with every failure.

import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench } from "#test/support/broke.ts";
import { type Random, seeded } from "#test/support/random.ts";

const POINTS = Number(process.env.BROKE_KILLS ?? 8);
const SEED = Number(process.env.BROKE_SEED ?? 20_261_127);
/** About as long as a run takes here. */
const LIFE_MS = 1800;

type Row = { id: string; status: string };
const rows = async (bench: Bench): Promise<Row[]> =>
  JSON.parse((await bench.broke(["harness", "list", "--json"])).stdout) as Row[];

/** Processes of a sandbox that shows this workspace. */
const left = (workspace: string) =>
  readdirSync("/proc").filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/environ`, "utf8").includes(`PWD=${workspace}`) &&
        readFileSync(`/proc/${pid}/cgroup`, "utf8") !== ""
      );
    } catch {
      return false;
    }
  });

async function round(bench: Bench, random: Random, at: number): Promise<{ workspace: string; mode: string }> {
  const workspace = join(bench.workspace, `w${at}`);
  mkdirSync(workspace);
  writeFileSync(join(workspace, "file"), "one\n");
  const mode = random.pick(["direct", "copy"]);
  const policy = random.pick(["off", "throughput"]);
  const child = Bun.spawn(
    [
      ...[
        LAUNCHER,
        "harness",
        "run",
        "--client",
        "exec",
        "--workspace",
        mode,
        "--policy",
        policy,
        "--verify",
        "grep two file",
      ],
      ...["--", "sh", "-c", "echo two > file; sleep 0.3; ls > /dev/null"],
    ],
    { cwd: workspace, env: bench.env, stdio: ["ignore", "ignore", "ignore"] },
  );
  const interrupts = random.chance(0.3);
  const before = new Set((await rows(bench)).map(({ id }) => id));
  const deadline = performance.now() + random.next() * LIFE_MS;
  while (performance.now() < deadline && child.exitCode === null) {
    await Bun.sleep(10);
    const own = interrupts
      ? (await rows(bench)).find(({ id, status }) => !before.has(id) && status === "launched")
      : undefined;
    if (own !== undefined) await bench.broke(["harness", "interrupt", own.id]);
  }
  child.kill("SIGKILL");
  await child.exited;
  return { workspace, mode };
}

/** Each has ended, and its ledger is whole. */
async function judge(bench: Bench, runs: Row[], at: number): Promise<void> {
  for (const { id, status } of runs) {
    const verified = await bench.broke(["harness", "verify", id, "--json"]);
    const { state } = JSON.parse(verified.stdout) as { state: string };
    expect({ at, id, code: verified.code, state }).toEqual({ at, id, code: 0, state: "intact" });
    expect(["completed", "failed_launch", "abandoned"]).toContain(status);
  }
}

test(`${POINTS} points: nothing lives on, one end for each run, every ledger verifies (seed ${SEED})`, async () => {
  using bench = makeBench();
  await bench.broke(["harness", "list"]);
  const random = seeded(SEED);
  const ends: Record<string, number> = {};
  for (let at = 0; at < POINTS; at++) {
    const { workspace } = await round(bench, random, at);
    while (left(workspace).length > 0) await Bun.sleep(5);
    const reconciled = await bench.broke(["harness", "reconcile", "--json"]);
    expect({ at, code: reconciled.code, stderr: reconciled.stderr }).toEqual({ at, code: 0, stderr: "" });
    await judge(bench, (await rows(bench)).slice(0, 1), at);
    // Whole, as it was or as the worker left it; nothing of ours beside it.
    expect(readdirSync(workspace)).toEqual(["file"]);
    expect(["one\n", "two\n"]).toContain(readFileSync(join(workspace, "file"), "utf8"));
    expect((await bench.broke(["harness", "reconcile"])).stdout).toBe("nothing to reconcile\n");
    expect(readdirSync(join(bench.home, "run")).filter((name) => name.endsWith(".sock"))).toEqual([]);
  }
  await judge(bench, await rows(bench), POINTS);
  for (const { status } of await rows(bench)) ends[status] = (ends[status] ?? 0) + 1;
  expect(Object.keys(ends)).not.toEqual([]);
  expect((await bench.broke(["audit", "verify"])).code).toBe(0);
}, 1_200_000);
