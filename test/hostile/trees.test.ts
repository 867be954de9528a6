// Trees made for a run: a supervisor killed at any moment of making, using and landing them, a plain user's, one that grows without end.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";

const PLAIN_UID = 54_321;

const git = (bench: Bench, ...args: string[]) => {
  const ran = Bun.spawnSync(["git", "-c", "user.name=t", "-c", "user.email=t@t", "-c", "safe.directory=*", ...args], {
    cwd: bench.workspace,
    env: { PATH: "/usr/bin:/bin", HOME: bench.env["HOME"]! },
  });
  if (!ran.success) throw new Error(ran.stderr.toString());
  return ran.stdout.toString().trim();
};

function repository(bench: Bench): void {
  git(bench, "init", "-q", "-b", "main");
  for (let index = 0; index < 400; index++) writeFileSync(join(bench.workspace, `f${index}`), `${index}\n`);
  git(bench, "add", ".");
  git(bench, "commit", "-qm", "one");
  writeFileSync(join(bench.workspace, "f0"), "mine\n");
}

const words = (mode: string, script: string) => [
  "harness",
  "run",
  "--client",
  "exec",
  `--workspace=${mode}`,
  "--",
  "sh",
  "-c",
  script,
];

/** What stands in the run's folder at some moment, from its beginning to its end. */
const MOMENTS: [string, (run: string) => boolean][] = [
  ["registered", (run) => existsSync(join(run, "ledger.jsonl"))],
  ["the supervisor's repository begun", (run) => existsSync(join(run, "landing.git/config"))],
  ["files being carried over", (run) => existsSync(join(run, "tree"))],
  ["the tree whole", (run) => existsSync(join(run, "origin.json"))],
  ["placeholders placed", (run) => existsSync(join(run, "placeholders.json"))],
  ["the client at work", (run) => existsSync(join(run, "tree/work"))],
  ["the result fetched and checked", (run) => existsSync(join(run, "landing.git/checked/config"))],
];

for (const mode of ["worktree", "copy"]) {
  describe(`${mode}: killed when there is`, () => {
    for (const [name, reached] of MOMENTS.filter(
      ([, at]) => mode === "worktree" || !at.toString().includes("landing"),
    )) {
      test(name, async () => {
        using bench = makeBench();
        repository(bench);
        const before = [git(bench, "rev-parse", "main"), git(bench, "status", "--porcelain")];
        const child = Bun.spawn([LAUNCHER, ...words(mode, "echo w > work; sleep 0.3")], {
          ...{ cwd: bench.workspace, env: bench.env, stdio: ["ignore", "ignore", "ignore"] },
        });
        const runs = join(bench.home, "runs");
        const run = () => (existsSync(runs) ? readdirSync(runs) : []).map((id) => join(runs, id))[0];
        while (child.exitCode === null && !(run() !== undefined && reached(run()!))) await Bun.sleep(0);
        child.kill("SIGKILL");
        await child.exited;
        const whole = existsSync(join(run()!, "origin.json"));
        const worked = existsSync(join(run()!, "tree/work"));
        const reconciled = await bench.broke(["harness", "reconcile"]);
        expect(reconciled.code).toBe(0);
        expect([git(bench, "rev-parse", "main"), git(bench, "status", "--porcelain")]).toEqual(before);
        expect(git(bench, "fsck", "--no-dangling")).toBe("");
        expect({
          tree: existsSync(join(run()!, "tree")),
          placeholder: existsSync(join(run()!, "tree/.mcp.json")),
        }).toEqual({ tree: whole, placeholder: false });
        if (!whole) return;
        const id = run()!.split("/").at(-1)!;
        const landed = await bench.broke(["harness", "land", id]);
        expect({ code: landed.code, work: landed.stdout.includes("work\n") }).toEqual({ code: 0, work: worked });
        expect((await bench.broke(["harness", "discard", id])).code).toBe(0);
        expect(readdirSync(run()!).filter((entry) => ["tree", "landing.git", "origin.json"].includes(entry))).toEqual(
          [],
        );
        expect((await bench.broke(["harness", "run", "--client", "exec", "--", "true"])).code).toBe(0);
      });
    }
  });
}

test("a tree that grows without end ends the run, and what it has is kept and can be discarded, however it was closed", async () => {
  using bench = makeBench();
  const script = "mkdir -p a/b; chmod 0 a; i=0; while :; do head -c 1000000 /dev/zero > big$i; i=$((i+1)); done";
  const ran = await bench.broke([
    ...["harness", "run", "--client", "exec", "--workspace=copy", "--limit", "growth=20m"],
    ...["--", "sh", "-c", script],
  ]);
  expect(ran.stderr).toContain("the run reached its limit: growth");
  expect(readdirSync(bench.workspace)).toEqual([]);
  const id = runIdOf(ran);
  expect((await bench.broke(["harness", "discard", id])).code).toBe(0);
  expect(existsSync(join(bench.home, "runs", id, "tree"))).toBe(false);
  expect((await bench.broke(["harness", "discard", id])).code).toBe(3);
});

test("links out of the workspace are links still, and lead nowhere from inside", async () => {
  using bench = makeBench();
  const secret = join(bench.env["HOME"]!, "secret");
  mkdirSync(secret);
  writeFileSync(join(secret, "key"), "hidden\n");
  mkdirSync(join(bench.workspace, "real"));
  symlinkSync(secret, join(bench.workspace, "real/out"));
  const ran = await bench.broke(words("copy", "cat out/key real/out/key; ls real"));
  expect(ran.stdout).toBe("out\n");
});

test.skipIf(process.getuid!() !== 0)("a plain user's, by that user (needs root to become one)", async () => {
  using bench = makeBench();
  repository(bench);
  mkdirSync(bench.home, { mode: 0o700 });
  expect(Bun.spawnSync(["chown", "-R", String(PLAIN_UID), bench.env["HOME"]!]).success).toBe(true);
  for (const mode of ["worktree", "copy"]) {
    const ran = await bench.broke(words(mode, "id -u; cat f0; echo w > work; git status --porcelain | head -1"));
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: "1000\nmine\n M f0\n" });
    if (mode === "worktree") expect(git(bench, "show", `refs/broke/runs/${runIdOf(ran)}:work`)).toBe("w");
    const land = Bun.spawnSync(
      [
        "setpriv",
        `--reuid=${PLAIN_UID}`,
        `--regid=${PLAIN_UID}`,
        "--clear-groups",
        LAUNCHER,
        "harness",
        "land",
        runIdOf(ran),
      ],
      { cwd: bench.workspace, env: bench.env },
    );
    expect({ mode, code: land.exitCode }).toEqual({ mode, code: 0 });
  }
  expect(readFileSync(join(bench.workspace, "work"), "utf8")).toBe("w\n");
});
