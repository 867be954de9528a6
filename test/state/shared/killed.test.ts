// Edits in several homes at once while commands, gateways and the shared Redis are killed at any moment: what was acknowledged is there, everywhere.
// BROKE_EDITS is the number of edits, BROKE_SEED the seed.

import { expect, test } from "bun:test";
import { openState } from "#src/cli/compose.ts";
import { LAUNCHER } from "#test/support/broke.ts";
import { seeded } from "#test/support/random.ts";
import { startReplicas } from "#test/support/replicas.ts";

const EDITS = Number(process.env.BROKE_EDITS ?? 40);
const SEED = Number(process.env.BROKE_SEED ?? 20_261_127);
const HOMES = 3;
const MOST_MS = 400;

test("kill -9 of commands, gateways and Redis: no acknowledged edit is lost to anybody, and the homes agree", async () => {
  const random = seeded(SEED);
  await using all = await startReplicas(HOMES);
  const acknowledged: string[] = [];
  let refused = 0;
  let next = 0;
  const edit = async (at: number) => {
    const { bench } = all.all[at]!;
    while (next < EDITS) {
      const label = `edit-${next++}`;
      const words = ["backend", "add", label, "--base-url=http://127.0.0.1:1", "--dialect=anthropic", "--model=m"];
      const child = Bun.spawn([LAUNCHER, ...words], {
        cwd: bench.workspace,
        env: bench.env,
        stdio: ["ignore", "ignore", "ignore"],
      });
      const timer = random.chance(0.3) ? setTimeout(() => child.kill(9), random.below(MOST_MS)) : undefined;
      const code = await child.exited;
      clearTimeout(timer);
      if (code === 0) acknowledged.push(label);
      else refused += 1;
      if (random.chance(0.1)) {
        all.all[at]!.process.kill(9);
        await all.all[at]!.process.exited;
        await all.start(at);
      }
      if (at === 0 && random.chance(0.3)) {
        await all.redis.kill();
        await Bun.sleep(random.below(300));
        await all.redis.start({ empty: random.chance(0.5) });
      }
    }
  };
  await Promise.all(Array.from({ length: HOMES }, (_, at) => edit(at)));
  await all.broke(0, "settings", "silence=77");
  const routings = [];
  for (const [at, { bench, url }] of all.all.entries()) {
    await all.broke(at, "list");
    const { generations, db } = openState({ BROKE_HOME: bench.home });
    const now = generations.current();
    expect(acknowledged.filter((label) => !Object.hasOwn(now.backends, label))).toEqual([]);
    expect(db.query("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    routings.push(JSON.stringify(now));
    for (;;) {
      const ready = (await (await fetch(`${url}/health/readiness`)).json()) as { generation: number };
      if (ready.generation === now.id) break;
      await Bun.sleep(5);
    }
  }
  expect(new Set(routings).size).toBe(1);
  expect({ seed: SEED, some: refused > 0 && acknowledged.length > 0 }).toEqual({ seed: SEED, some: true });
});
