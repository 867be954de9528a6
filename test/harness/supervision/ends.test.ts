// How runs end in the table, whatever happened: killed at every step of their life, never launched, on a machine that was started anew, with a process
// number that is another's by now.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bootId,
  endLeftovers,
  isAlive,
  readProcesses,
  recordProcesses,
  type RunProcesses,
} from "#harness/supervision/processes.ts";
import { startOf } from "#sandbox/lineage.ts";
import { type Bench, LAUNCHER, makeBench } from "#test/support/broke.ts";

const eventsIn = (file: string): string[] =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { event: string }).event)
    : [];

/** Starts a run, does something when its client is up, and kills its supervisor when the ledger has this event. */
async function killedAt(bench: Bench, event: string): Promise<string> {
  const child = Bun.spawn(
    [
      ...[LAUNCHER, "harness", "run", "--client", "exec", "--policy", "throughput", "--verify", "true"],
      "--",
      "sh",
      "-c",
      `touch up; sleep ${event.startsWith("operator.") ? 5 : 0.4}`,
    ],
    { cwd: bench.workspace, env: bench.env, stdio: ["ignore", "ignore", "ignore"] },
  );
  const runs = join(bench.home, "runs");
  const own = () => (existsSync(runs) ? readdirSync(runs)[0] : undefined);
  const ledger = () => eventsIn(join(runs, own() ?? "", "ledger.jsonl"));
  if (event.startsWith("operator.")) {
    while (!ledger().includes("command.observed")) await Bun.sleep(5);
    await bench.broke(["harness", "interrupt", own()!]);
    if (event === "operator.resumed") await bench.broke(["harness", "resume", own()!]);
  }
  while (!ledger().includes(event) && child.exitCode === null) await Bun.sleep(1);
  child.kill("SIGKILL");
  await child.exited;
  expect(ledger()).toContain(event);
  return own()!;
}

const STEPS = [
  ...[
    "run.registered",
    "sandbox.planned",
    "sandbox.probed",
    "agent.launched",
    "command.observed",
    "operator.interrupted",
  ],
  ...["operator.resumed", "agent.exited", "workspace.swept", "limits.used", "verification.ran", "attempt.ended"],
  ...["verdict.issued", "run.completed"],
];

describe("a supervisor killed at a step", () => {
  for (const step of STEPS) {
    test(`${step}: one end, one truth, and nothing more to do`, async () => {
      using bench = makeBench();
      const id = await killedAt(bench, step);
      const reconciled = JSON.parse((await bench.broke(["harness", "reconcile", "--json"])).stdout || "[]") as {
        outcome: string;
      }[];
      const shown = JSON.parse((await bench.broke(["harness", "show", id, "--json"])).stdout);
      const closed = step === "run.completed";
      expect(reconciled.length).toBeLessThanOrEqual(1);
      if (!closed)
        expect(
          reconciled.map(({ outcome }) => outcome).filter((word) => word !== "abandoned" && word !== "closed"),
        ).toEqual([]);
      // Its last record and the table say the same.
      expect({ status: shown.status, ledger: shown.ledger.state }).toEqual({
        status: shown.exit.outcome,
        ledger: "intact",
      });
      expect(["abandoned", "completed"]).toContain(shown.status);
      if (closed) expect(shown.status).toBe("completed");
      expect((await bench.broke(["harness", "reconcile"])).stdout).toBe("nothing to reconcile\n");
      expect((await bench.broke(["audit", "verify"])).code).toBe(0);
    });
  }
});

test("a launch that fails is told apart from a run that ended", async () => {
  using bench = makeBench();
  const ran = await bench.broke(["harness", "run", "--client", "exec", "--allow-run=no-such-program", "--", "true"]);
  expect(ran.code).toBe(2);
  const [row] = JSON.parse((await bench.broke(["harness", "list", "--json"])).stdout);
  expect(row.status).toBe("failed_launch");
  expect((await bench.broke(["harness", "kill", row.id])).code).toBe(0);
  expect(await bench.broke(["harness", "interrupt", row.id])).toMatchObject({
    code: 3,
    stderr: "broke: the run is not live: failed launch\n",
  });
});

describe("which processes a run is", () => {
  const made = (change: (processes: RunProcesses) => RunProcesses) => {
    const folder = mkdtempSync(join(tmpdir(), "broke-processes-"));
    const child = Bun.spawn(["/usr/bin/sleep", "60"], { stdio: ["ignore", "ignore", "ignore"] });
    const file = join(folder, "processes.json");
    recordProcesses(file, child.pid);
    writeFileSync(file, JSON.stringify(change(readProcesses(file)!)));
    return {
      file,
      child,
      async [Symbol.asyncDispose]() {
        child.kill("SIGKILL");
        await child.exited;
        rmSync(folder, { recursive: true });
      },
    };
  };
  const rows: [name: string, change: (processes: RunProcesses) => RunProcesses, alive: boolean][] = [
    ["the very process", (processes) => processes, true],
    [
      "another boot of the machine",
      (processes) => ({ ...processes, boot: "11111111-1111-1111-1111-111111111111" }),
      false,
    ],
    [
      "the number given away anew",
      (processes) => ({ ...processes, sandbox: { ...processes.sandbox!, start: processes.sandbox!.start - 1 } }),
      false,
    ],
    ["no sandbox yet", (processes) => ({ ...processes, sandbox: null }), false],
    ["number 1", (processes) => ({ ...processes, sandbox: { pid: 1, start: startOf(1)! } }), false],
    ["number -1", (processes) => ({ ...processes, sandbox: { pid: -1, start: 0 } }), false],
  ];
  test.each(rows)("%s", async (_, change, alive) => {
    await using run = made(change);
    const known = readProcesses(run.file);
    expect(known !== undefined && isAlive(known, "sandbox")).toBe(alive);
    endLeftovers(run.file);
    await Promise.race([run.child.exited, Bun.sleep(alive ? 5000 : 100)]);
    expect(run.child.signalCode !== null).toBe(alive);
  });
  test("what cannot be read names nobody", () => {
    const folder = mkdtempSync(join(tmpdir(), "broke-processes-"));
    for (const text of ["", "{", "[]", '{"boot":"x"}']) {
      writeFileSync(join(folder, "p"), text);
      expect(readProcesses(join(folder, "p"))).toBeUndefined();
    }
    mkdirSync(join(folder, "d"));
    expect([readProcesses(join(folder, "d")), readProcesses(join(folder, "none"))]).toEqual([undefined, undefined]);
    rmSync(folder, { recursive: true });
    expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);
  });
});
