// A supervisor killed at any point: what it leaves, and how it is closed.

import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";

const TYPES = 8;

/** Starts a run and kills its supervisor as soon as the ledger has so many lines. */
async function crashAt(bench: Bench, lines: number): Promise<string> {
  const child = Bun.spawn(
    [LAUNCHER, "harness", "run", "--client", "exec", "--", "sh", "-c", "echo x > made; sleep 0.2"],
    {
      cwd: bench.workspace,
      env: bench.env,
      stdio: ["ignore", "ignore", "ignore"],
    },
  );
  const runs = join(bench.home, "runs");
  const count = () => {
    const [id] = existsSync(runs) ? readdirSync(runs) : [];
    const file = id === undefined ? "" : join(runs, id, "ledger.jsonl");
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : id === undefined ? -1 : 0;
  };
  while (count() < lines && child.exitCode === null) await Bun.sleep(0);
  child.kill("SIGKILL");
  await child.exited;
  return readdirSync(runs)[0]!;
}

const sandboxed = (workspace: string) =>
  readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/environ`, "utf8").includes(`PWD=${workspace}`) &&
          readFileSync(`/proc/${pid}/comm`, "utf8") === "sleep\n"
        );
      } catch {
        return false;
      }
    });

for (let lines = 0; lines <= TYPES; lines++) {
  test(`killed with ${lines} lines in its ledger: incomplete, then closed as abandoned, and nothing of it left`, async () => {
    using bench = makeBench();
    const id = await crashAt(bench, lines);
    const before = await bench.broke(["harness", "verify", id, "--json"]);
    const listed = JSON.parse((await bench.broke(["harness", "list", "--json"])).stdout) as {
      id: string;
      status: string;
    }[];
    if (listed.length === 0) {
      // Killed between making the folder and registering: there is no such run.
      expect(before.code).toBe(3);
      return;
    }
    expect({ code: before.code, state: JSON.parse(before.stdout).state }).toEqual({ code: 1, state: "incomplete" });
    while (sandboxed(bench.workspace).length > 0) await Bun.sleep(5);

    const reconciled = await bench.broke(["harness", "reconcile", "--json"]);
    expect(reconciled.stderr).toBe("");
    expect({ code: reconciled.code, told: JSON.parse(reconciled.stdout) }).toEqual({
      code: 0,
      told: [{ runId: id, outcome: "abandoned" }],
    });
    expect(await bench.broke(["harness", "verify", id])).toMatchObject({ code: 0 });
    const shown = JSON.parse((await bench.broke(["harness", "show", id, "--json"])).stdout);
    expect({ status: shown.status, outcome: shown.exit.outcome }).toEqual({
      status: "abandoned",
      outcome: "abandoned",
    });
    expect(readdirSync(bench.workspace).filter((name) => name !== "made")).toEqual([]);
    expect((await bench.broke(["harness", "reconcile"])).stdout).toBe("nothing to reconcile\n");
  });
}

test("killed before its ledger was made: closed as abandoned", async () => {
  using bench = makeBench();
  const id = await crashAt(bench, 1);
  rmSync(join(bench.home, "runs", id, "ledger.jsonl"));
  const script = `
    import { Database } from "bun:sqlite";
    new Database(${JSON.stringify(join(bench.home, "broke.db"))}).run("UPDATE runs SET head_seq = 0, head_hash = ''");
  `;
  expect(Bun.spawnSync([process.execPath, "-e", script], { env: {} }).stderr.toString()).toBe("");
  expect(await bench.broke(["harness", "reconcile"])).toEqual({ code: 0, stdout: `${id}: abandoned\n`, stderr: "" });
  expect((await bench.broke(["harness", "verify", id])).code).toBe(0);
});

test("a torn last line is set aside, not guessed at", async () => {
  using bench = makeBench();
  const id = await crashAt(bench, 5);
  const file = join(bench.home, "runs", id, "ledger.jsonl");
  const whole = readFileSync(file, "utf8");
  writeFileSync(file, `${whole}{"v":1,"run":"`);
  expect(JSON.parse((await bench.broke(["harness", "verify", id, "--json"])).stdout)).toMatchObject({
    state: "incomplete",
  });
  expect((await bench.broke(["harness", "reconcile"])).stdout).toBe(`${id}: abandoned\n`);
  expect((await bench.broke(["harness", "verify", id])).code).toBe(0);
  expect(readFileSync(`${file}.torn`, "utf8")).toBe('{"v":1,"run":"');
});

test("a run that was closed but not recorded as such is recorded, not abandoned", async () => {
  using bench = makeBench();
  await bench.broke(["harness", "run", "--client", "exec", "--", "true"]);
  const id = readdirSync(join(bench.home, "runs"))[0]!;
  const script = `
    import { Database } from "bun:sqlite";
    const db = new Database(${JSON.stringify(join(bench.home, "broke.db"))});
    const row = db.query("SELECT * FROM runs").get();
    const lines = (await Bun.file(${JSON.stringify(join(bench.home, "runs", id, "ledger.jsonl"))}).text()).trim().split("\\n").map((line) => JSON.parse(line));
    const checkpoint = lines.find((line) => line.event === "checkpoint.opened");
    db.query("UPDATE runs SET status = 'running', head_seq = ?, head_hash = ?").run(checkpoint.seq, checkpoint.hash);
  `;
  const edit = Bun.spawnSync([process.execPath, "-e", script], { env: {} });
  expect(edit.stderr.toString()).toBe("");
  expect(JSON.parse((await bench.broke(["harness", "verify", id, "--json"])).stdout)).toMatchObject({
    state: "incomplete",
    reason: "the close was not recorded",
  });
  expect((await bench.broke(["harness", "reconcile"])).stdout).toBe(`${id}: closed\n`);
  expect((await bench.broke(["harness", "verify", id])).code).toBe(0);
});

test("a run that is going on is left alone", async () => {
  using bench = makeBench();
  const child = Bun.spawn([LAUNCHER, "harness", "run", "--client", "exec", "--", "sh", "-c", "echo up; read x"], {
    cwd: bench.workspace,
    env: bench.env,
    stdio: ["pipe", "pipe", "ignore"],
  });
  await readFrom(child.stdout).until("up");
  expect((await bench.broke(["harness", "reconcile"])).stdout).toBe("nothing to reconcile\n");
  child.stdin.end();
  expect(await child.exited).toBe(1);
});
