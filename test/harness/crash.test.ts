// A supervisor killed at any point: what it leaves, and how it is closed.

import { expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  utimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { takeLock } from "#harness/lock.ts";
import { newRunId } from "#src/core/ids.ts";
import { openState } from "#src/cli/compose.ts";
import { runPaths } from "#src/state/paths.ts";
import { type Bench, LAUNCHER, makeBench } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";

const TYPES = 8;

/** Starts a run and kills its supervisor as soon as the ledger has so many lines. */
async function crashAt(bench: Bench, lines: number, others: string[] = []): Promise<string> {
  const child = Bun.spawn(
    [LAUNCHER, "harness", "run", "--client", "exec", "--", "sh", "-c", "echo x > made; sleep 0.2"],
    {
      cwd: bench.workspace,
      env: bench.env,
      stdio: ["ignore", "ignore", "ignore"],
    },
  );
  const runs = join(bench.home, "runs");
  const own = () => (existsSync(runs) ? readdirSync(runs) : []).find((id) => !others.includes(id));
  const count = () => {
    const id = own();
    const file = id === undefined ? "" : join(runs, id, "ledger.jsonl");
    return existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : id === undefined ? -1 : 0;
  };
  while (count() < lines && child.exitCode === null) await Bun.sleep(0);
  child.kill("SIGKILL");
  await child.exited;
  return own()!;
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
    expect({ ...reconciled, stdout: reconciled.stdout === "" ? null : JSON.parse(reconciled.stdout) }).toEqual({
      code: 0,
      stdout: [{ runId: id, outcome: "abandoned" }],
      stderr: "",
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

test("registered, and killed before there was a ledger: closed as abandoned all the same", async () => {
  using bench = makeBench();
  const { home, runs } = openState({ BROKE_HOME: bench.home });
  const id = newRunId(Date.now());
  mkdirSync(runPaths(home, id).root, { mode: 0o700 });
  runs.add({ id, createdMs: Date.now(), client: "exec", profile: "strict", workspace: bench.workspace });
  const reconciled = await bench.broke(["harness", "reconcile"]);
  expect(reconciled).toEqual({ code: 0, stdout: `${id}: abandoned\n`, stderr: "" });
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
    db.query("UPDATE runs SET status = 'launched', head_seq = ?, head_hash = ?").run(checkpoint.seq, checkpoint.hash);
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

test("one damaged run keeps no other from being closed; it is named with its file, and closed once its folder is gone", async () => {
  using bench = makeBench();
  const damages: [string, (root: string) => void][] = [
    ["baseline.json", (root) => writeFileSync(join(root, "baseline.json"), "{", { mode: 0o600 })],
    ["placeholders.json", (root) => writeFileSync(join(root, "placeholders.json"), "{")],
    ["lock", (root) => renameSync(join(root, "lock"), join(root, "was")) ?? symlinkSync("was", join(root, "lock"))],
    ["ledger.jsonl", (root) => rmSync(join(root, "ledger.jsonl")) ?? mkdirSync(join(root, "ledger.jsonl"))],
  ];
  const ids: string[] = [];
  const runs = join(bench.home, "runs");
  for (const [, damage] of damages) {
    const cwd = mkdtempSync(join(bench.workspace, "w"));
    const child = Bun.spawn([LAUNCHER, "sandbox", "run", "--", "sh", "-c", "touch up; sleep 60"], {
      ...{ cwd, env: bench.env, stdio: ["ignore", "ignore", "ignore"] },
    });
    while (!existsSync(join(cwd, "up"))) await Bun.sleep(5);
    child.kill("SIGKILL");
    await child.exited;
    const id = readdirSync(runs).find((name) => !ids.includes(name))!;
    ids.push(id);
    damage(join(runs, id));
  }
  const whole = await crashAt({ ...bench, workspace: mkdtempSync(join(bench.workspace, "w")) }, 3, ids);
  const first = await bench.broke(["harness", "reconcile", "--json"]);
  const results = JSON.parse(first.stdout) as { runId: string; outcome: string; reason?: string }[];
  expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 1, stderr: "" });
  expect(results.find(({ runId }) => runId === whole)).toEqual({ runId: whole, outcome: "abandoned" });
  for (const [index, [name]] of damages.entries()) {
    expect({ name, ...results.find(({ runId }) => runId === ids[index]) }).toEqual({
      ...{ name, runId: ids[index]!, outcome: "damaged" },
      reason: expect.stringContaining(join(runs, ids[index]!)),
    });
  }
  for (const id of ids) rmSync(join(runs, id), { recursive: true });
  const second = await bench.broke(["harness", "reconcile", "--json"]);
  const outcomes = JSON.parse(second.stdout) as { runId: string; outcome: string }[];
  expect(outcomes.sort((a, b) => (a.runId < b.runId ? -1 : 1))).toEqual(
    ids.sort().map((runId) => ({ runId, outcome: "tampered" })),
  );
  expect((await bench.broke(["harness", "reconcile"])).stdout).toBe("nothing to reconcile\n");
});

test("a launch that was killed before it was registered leaves a folder, which goes when it is old and nobody holds it", async () => {
  using bench = makeBench();
  expect((await bench.broke(["harness", "reconcile"])).code).toBe(0);
  const { home } = openState(bench.env);
  const [young, old, held, recorded] = [1, 2, 3, 4].map((at) => runPaths(home, newRunId(at * 1e12)));
  for (const { root, lock } of [young!, old!, held!, recorded!]) {
    mkdirSync(root, { mode: 0o700 });
    writeFileSync(lock, "", { mode: 0o600 });
  }
  writeFileSync(recorded!.ledger, "", { mode: 0o600 });
  for (const { root } of [old!, held!, recorded!]) utimesSync(root, 0, 0);
  const fd = takeLock(held!.lock)!;
  const ran = await bench.broke(["harness", "reconcile", "--json"]);
  closeSync(fd);
  expect(JSON.parse(ran.stdout)).toEqual([{ runId: basename(old!.root), outcome: "unregistered" }]);
  expect([young!, old!, held!, recorded!].map(({ root }) => existsSync(root))).toEqual([true, false, true, true]);
});
