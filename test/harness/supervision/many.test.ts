// Many writers and many runs at once: every number there is once, no gap, every chain verifies, and no run is another's.
// BROKE_RUNS is the number of runs at once (20 in `test:long`).

import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, makeBench, runIdOf } from "#test/support/broke.ts";

const RUNS = Number(process.env.BROKE_RUNS ?? 6);

const records = (bench: Bench, id: string) =>
  readFileSync(join(bench.home, "runs", id, "ledger.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { seq: number; run: string; event: string; data: Record<string, unknown> });

test("four processes, thirty events each: 120, each once, in one chain without a gap", async () => {
  using bench = makeBench();
  const writer =
    "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do make --version $W-$i > /dev/null 2>&1; done";
  const script = `for W in a b c d; do ( ${writer} ) & done; wait`;
  const ran = await bench.broke(["harness", "run", "--client", "exec", "--", "sh", "-c", script]);
  const id = runIdOf(ran);
  const all = records(bench, id);
  expect(all.map(({ seq }) => seq)).toEqual(all.map((_, at) => at + 1));
  const said = all.filter(({ event }) => event === "command.started").map(({ data }) => (data.args as string[])[1]);
  const wanted = ["a", "b", "c", "d"].flatMap((name) => Array.from({ length: 30 }, (_, at) => `${name}-${at + 1}`));
  expect(said.toSorted()).toEqual(wanted.toSorted());
  expect((await bench.broke(["harness", "verify", id])).code).toBe(0);
});

test("of every tool that a shim says was started the supervisor saw how it ended", async () => {
  using bench = makeBench();
  const script = "make --version > /dev/null; make -s nothing-such 2> /dev/null; git -C / rev-parse 2> /dev/null; true";
  const ran = await bench.broke(["harness", "run", "--client", "exec", "--", "sh", "-c", script]);
  const all = records(bench, runIdOf(ran));
  const claimed = all.filter(({ event }) => event === "command.started").map(({ data }) => data);
  const observed = all.filter(({ event }) => event === "command.observed").map(({ data }) => data);
  const ends = all
    .filter(({ event }) => event === "command.ended")
    .flatMap(({ data }) => data.ends as { pid: number; code: number }[]);
  const told = claimed.map(({ tool, args }) => {
    const seen = observed.find(
      ({ path, argv }) => path === `/usr/bin/${tool}` && `${(argv as string[]).slice(1)}` === `${args}`,
    );
    return [tool, ends.find(({ pid }) => pid === seen?.pid)?.code];
  });
  expect(told).toEqual([
    ["make", 0],
    ["make", 2],
    ["git", 128],
  ]);
});

test(`${RUNS} runs at once: each has its own state, ledger and end`, async () => {
  using bench = makeBench();
  await bench.broke(["harness", "list"]);
  const runs = await Promise.all(
    Array.from({ length: RUNS }, async (_, at) => {
      const cwd = join(bench.workspace, `w${at}`);
      mkdirSync(cwd);
      const script = `echo ${at} > own; for i in 1 2 3 4 5; do make --version > /dev/null 2>&1; done; exit ${at % 3}`;
      const ran = await bench.broke(["harness", "run", "--client", "exec", "--", "sh", "-c", script], { cwd });
      return {
        at,
        code: ran.code,
        id: runIdOf(ran),
        files: readdirSync(cwd),
        own: readFileSync(join(cwd, "own"), "utf8"),
      };
    }),
  );
  for (const { at, code, id, files, own } of runs) {
    expect({ code, files, own }).toEqual({ code: at % 3, files: ["own"], own: `${at}\n` });
    const all = records(bench, id);
    expect(all.map(({ seq, run }) => [seq, run])).toEqual(all.map((_, index) => [index + 1, id]));
    expect((await bench.broke(["harness", "verify", id])).code).toBe(0);
  }
  expect(new Set(runs.map(({ id }) => id)).size).toBe(RUNS);
  const status = JSON.parse((await bench.broke(["harness", "status", "--json"])).stdout);
  expect({ total: status.runs.total, registry: status.registry }).toEqual({ total: RUNS, registry: [] });
  expect((await bench.broke(["audit", "verify"])).code).toBe(0);
}, 300_000);
