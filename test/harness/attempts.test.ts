// A run of several turns: what a worker could gain by being sent back. Its budgets, its traps, what it did to its home and its tests go on counting; who told
// the run to end is heard; a supervisor that dies between the turns lands nothing. Through the real launcher.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench, type Ran, runIdOf } from "#test/support/broke.ts";

type Event = { event: string; data: Record<string, unknown> };
const ledger = (bench: Bench, id: string): Event[] =>
  readFileSync(join(bench.home, "runs", id, "ledger.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Event);
const attempts = (events: Event[]) =>
  events.filter(({ event }) => event === "attempt.ended").map(({ data }) => [data.verdict, data.next]);
const words = (script: string, ...options: string[]) => [
  ...["harness", "run", "--client", "exec", "--workspace", "copy", "--policy", "throughput"],
  ...[...options, "--verify", "grep two a", "--", "sh", "-c", script],
];
const first = (then: string, later: string) => `if [ -z "$BROKE_OBJECTIONS" ]; then ${then}; else ${later}; fi`;
const verdict = (ran: Ran) => / ([A-Z_]+) exit /.exec(ran.stderr)?.[1];

async function run(bench: Bench, script: string, ...options: string[]) {
  writeFileSync(join(bench.workspace, "a"), "one\n");
  const ran = await bench.broke(words(script, ...options));
  return { ran, events: ledger(bench, runIdOf(ran)) };
}

describe("what counts over all turns", () => {
  test("time: the second has what the first left of it", async () => {
    using bench = makeBench();
    const { ran, events } = await run(bench, first("sleep 3", "sleep 60"), "--timeout", "10s");
    const [reached] = events.filter(({ event }) => event === "limit.reached").map(({ data }) => Number(data.limit));
    expect([attempts(events).length, reached! < 7000, ran.stderr.includes("limit: timeout 10 s")]).toEqual([
      2,
      true,
      true,
    ]);
  });

  test("output", async () => {
    using bench = makeBench();
    const { events } = await run(bench, "head -c 700000 /dev/zero", "--limit", "output=1m");
    expect(attempts(events)).toEqual([
      ["RETRY_NARROW", "narrow"],
      ["RETRY_NARROW", null],
    ]);
  });

  test("a trap that was swept is not forgotten when the work is good at last", async () => {
    using bench = makeBench();
    const plant =
      "mkdir -p x/.git/hooks; echo 'ref: refs/heads/m' > x/.git/HEAD; mkdir x/.git/objects x/.git/refs; echo evil > x/.git/hooks/pre-commit; chmod +x x/.git/hooks/pre-commit";
    const { ran } = await run(bench, first(plant, "rm -rf x; echo two > a"));
    expect([verdict(ran), ran.stderr.includes("the sweep found what would run by itself")]).toEqual([
      "ACCEPT_WITH_WARNINGS",
      true,
    ]);
  });

  test("assertions that went in the first", async () => {
    using bench = makeBench();
    writeFileSync(join(bench.workspace, "t.test.js"), "expect(1); expect(2);\n");
    const { ran } = await run(bench, first("echo > t.test.js", "echo two > a"));
    expect(ran.stderr).toContain("t.test.js: 0 assertions, 2 before");
  });
});

test("what the first left in its home is not there for the second", async () => {
  using bench = makeBench();
  const plant =
    "echo evil > $HOME/.profile; mkdir -p $HOME/bin; ln -s /etc/passwd $HOME/objections.txt; ls -A $HOME | sort | tr '\n' ' '";
  const { ran } = await run(bench, first(plant, "ls -A $HOME; echo two > a"));
  expect([ran.code, ran.stdout]).toEqual([0, ".profile bin objections.txt objections.txt\n"]);
});

test("a run that is told to end has no further turn", async () => {
  using bench = makeBench();
  writeFileSync(join(bench.workspace, "a"), "one\n");
  const child = Bun.spawn([LAUNCHER, ...words("echo begun; sleep 60")], {
    ...{ cwd: bench.workspace, env: bench.env, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill("SIGTERM");
  const stderr = await new Response(child.stderr).text();
  await child.exited;
  const [id] = readdirSync(join(bench.home, "runs"));
  expect(attempts(ledger(bench, id!))).toEqual([["RETRY_NARROW", null]]);
  expect(stderr).toContain("no further turn of the worker: it was told to end");
});

test("a supervisor killed in the second turn lands nothing; what was done is there, and the ledger is closed", async () => {
  using bench = makeBench();
  writeFileSync(join(bench.workspace, "a"), "one\n");
  const child = Bun.spawn([LAUNCHER, ...words(first("echo bad > a", "echo two > a; echo begun; sleep 60"))], {
    ...{ cwd: bench.workspace, env: bench.env, stdin: "ignore", stdout: "pipe", stderr: "ignore" },
  });
  const reader = child.stdout.getReader();
  await reader.read();
  child.kill("SIGKILL");
  await child.exited;
  const [id] = readdirSync(join(bench.home, "runs"));
  while ((await bench.broke(["harness", "reconcile"])).code !== 0) await Bun.sleep(50);
  expect((await bench.broke(["harness", "verify", id!])).code).toBe(0);
  expect([
    readFileSync(join(bench.workspace, "a"), "utf8"),
    readFileSync(join(bench.home, "runs", id!, "tree", "a"), "utf8"),
    existsSync(join(bench.home, "runs", id!, "shims")),
  ]).toEqual(["one\n", "two\n", false]);
  expect((await bench.broke(["harness", "decide", id!, "accept"])).code).toBe(4);
});
