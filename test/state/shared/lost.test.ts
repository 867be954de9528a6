// Load on three gateways while Redis and gateways are killed one after the other, with and without Redis's data: within a minute never more is served than
// one gateway would serve. BROKE_KILLS is how often something is killed, BROKE_SEED the seed.

import { expect, test } from "bun:test";
import { seeded } from "#test/support/random.ts";
import { startReplicas } from "#test/support/replicas.ts";

const KILLS = Number(process.env.BROKE_KILLS ?? 4);
const SEED = Number(process.env.BROKE_SEED ?? 20_261_127);
const RPM = 40;
const WINDOW_MS = 60_000;

test("kills under load: no window of a minute holds more than the limit, and what was lost is found again", async () => {
  const random = seeded(SEED);
  await using all = await startReplicas(3, [`--rpm=${RPM}`]);
  const served: number[] = [];
  let over = false;
  const client = async (at: number) => {
    while (!over) {
      const status = await all.status(at % 3).catch(() => 0);
      if (status === 200) served.push(Date.now());
      await Bun.sleep(random.below(150));
    }
  };
  const clients = Array.from({ length: 6 }, (_, at) => client(at));
  for (let round = 0; round < KILLS; round++) {
    await Bun.sleep(300 + random.below(700));
    if (random.chance(0.5)) {
      const at = random.below(3);
      all.all[at]!.process.kill(9);
      await all.all[at]!.process.exited;
      await all.start(at);
    } else {
      await all.redis.kill();
      await Bun.sleep(random.below(500));
      await all.redis.start({ empty: random.chance(0.5) });
      // Until everybody has told what he counted; a gateway killed now would take what it knows with it.
      while (!(await Promise.all([0, 1, 2].map((at) => all.status(at)))).every((status) => status !== 503))
        await Bun.sleep(100);
    }
  }
  while ((await all.status(0)) !== 429) await Bun.sleep(20);
  over = true;
  await Promise.all(clients);
  const most = Math.max(...served.map((from) => served.filter((at) => at >= from && at < from + WINDOW_MS).length));
  expect({ seed: SEED, over: most > RPM, asked: all.upstream.asked().length <= RPM + KILLS }).toEqual({
    seed: SEED,
    over: false,
    asked: true,
  });
});
