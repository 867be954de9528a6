// Edits by several commands at once while commands and the gateway are killed at any moment: what was acknowledged is there, what is there is whole.
// BROKE_EDITS is the number of edits, BROKE_SEED the seed.

import { expect, test } from "bun:test";
import { openState } from "#src/cli/compose.ts";
import { LAUNCHER, makeBench } from "#test/support/broke.ts";
import { seeded } from "#test/support/random.ts";

const EDITS = Number(process.env.BROKE_EDITS ?? 40);
const SEED = Number(process.env.BROKE_SEED ?? 20_261_127);
const AT_ONCE = 4;
/** No command takes longer to write. */
const MOST_MS = 120;

test("kill -9 of commands and gateway in the middle of edits: nothing torn, no acknowledged edit lost, none lost to another", async () => {
  const random = seeded(SEED);
  using bench = makeBench();
  const start = (...words: string[]) =>
    Bun.spawn([LAUNCHER, ...words], { cwd: bench.workspace, env: bench.env, stdio: ["ignore", "pipe", "ignore"] });
  const gateway = () => start("gateway", "--port", "0");
  expect((await bench.broke(["swap", "sonnet=OR/GLM-4.5"])).code).toBe(0);
  let daemon = gateway();
  const acknowledged: string[] = [];
  let killed = 0;
  let next = 0;
  const edit = async () => {
    while (next < EDITS) {
      const label = `edit-${next++}`;
      const url = "http://127.0.0.1:1";
      const child = start("backend", "add", label, "--base-url", url, "--dialect", "anthropic", "--model", "m");
      const timer = random.chance(0.5) ? setTimeout(() => child.kill(9), random.below(MOST_MS)) : undefined;
      const code = await child.exited;
      clearTimeout(timer);
      if (code === 0) acknowledged.push(label);
      else killed += 1;
      if (random.chance(0.1)) {
        daemon.kill(9);
        await daemon.exited;
        daemon = gateway();
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, edit));
  daemon.kill(9);
  await daemon.exited;
  const state = openState({ BROKE_HOME: bench.home });
  const stored = Object.keys(state.generations.current().backends);
  expect(acknowledged.filter((label) => !stored.includes(label))).toEqual([]);
  // One generation an edit, each readable: none was half there, none overwrote another.
  const ids = state.db.query<{ id: number; body: string }, []>("SELECT id, body FROM generations ORDER BY id").all();
  expect(ids.map(({ body }) => Object.keys((JSON.parse(body) as { backends: object }).backends).length)).toEqual(
    ids.map((_, at) => at),
  );
  expect(state.db.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  expect({ seed: SEED, some: killed > 0 && acknowledged.length > 0 }).toEqual({ seed: SEED, some: true });
  expect((await bench.broke(["list"])).code).toBe(0);
});
