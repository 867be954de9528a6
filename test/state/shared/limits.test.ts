// Three gateways with three homes and one real Redis: limits count what all of them served, whatever becomes of Redis or of a gateway.

import { describe, expect, test } from "bun:test";
import { startReplicas } from "#test/support/replicas.ts";
import { say } from "#test/support/upstream/script.ts";

const count = (statuses: readonly number[], status: number) => statuses.filter((one) => one === status).length;

describe("requests a minute", () => {
  test("asked of all three at once: exactly as many are served as one gateway would serve", async () => {
    await using all = await startReplicas(3, ["--rpm=20"]);
    const statuses = await Promise.all(Array.from({ length: 90 }, (_, at) => all.status(at % 3)));
    expect([count(statuses, 200), count(statuses, 429), all.upstream.asked().length]).toEqual([20, 70, 20]);
    const refused = await all.ask(1);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeWithin(40, 61);
    expect(await refused.text()).toContain("the limit of 20 requests a minute is reached");
  });

  test("killed and back, with its data and without: what was used stays used", async () => {
    await using all = await startReplicas(3, ["--rpm=6"]);
    for (const empty of [false, true]) {
      await all.status(0);
      await all.status(1);
      await all.redis.kill();
      const lost = await all.ask(2);
      expect([lost.status, lost.headers.get("retry-after")]).toEqual([503, "1"]);
      expect(JSON.parse(await lost.text())).toMatchObject({ type: "error", error: { type: "overloaded_error" } });
      await all.redis.start({ empty });
      // Closed until everybody told what he counted.
      while ((await all.status(2)) === 503) await Bun.sleep(50);
    }
    expect(all.upstream.asked().length).toBe(6);
    expect([await all.status(0), await all.status(1), await all.status(2)]).toEqual([429, 429, 429]);
    expect(all.upstream.asked().length).toBe(6);
  });
});

test("tokens a minute: over by no more than what one request was estimated too low, and corrected", async () => {
  const tokens = { input: 10, output: 30 };
  await using all = await startReplicas(3, ["--tpm=400"], { script: () => ({ ...say("hi"), tokens }) });
  const statuses: number[] = [];
  for (let at = 0; statuses.filter((status) => status === 429).length < 3; at++)
    statuses.push(await all.status(at % 3));
  const used = count(statuses, 200) * 40;
  // Each was reserved less than it used; the sum is over by less than that of the last one.
  expect(used).toBeWithin(360, 441);
});

test("the day's money, over a Redis that came back with nothing", async () => {
  const tokens = { input: 10, output: 30 };
  await using all = await startReplicas(2, ["--daily-usd=0.1"], { script: () => ({ ...say("hi"), tokens }) });
  // 40 tokens at $1000 a million.
  expect([await all.status(0), await all.status(1)]).toEqual([200, 200]);
  await all.redis.kill();
  await all.redis.start({ empty: true });
  let status = 503;
  while (status === 503) {
    await Bun.sleep(50);
    status = await all.status(1);
  }
  expect(status).toBe(200);
  const refused = await all.ask(0);
  expect([refused.status, refused.headers.get("x-should-retry")]).toEqual([429, "false"]);
  expect(all.upstream.asked().length).toBe(3);
});

test("tokens a minute, asked of all three at once: never over what was reserved, and what was reserved too much is given back", async () => {
  const tokens = { input: 1, output: 1 };
  await using all = await startReplicas(3, ["--tpm=200"], { script: () => ({ ...say("hi"), tokens }) });
  const statuses = await Promise.all(Array.from({ length: 90 }, (_, at) => all.status(at % 3)));
  // At least 10 each were reserved.
  expect(count(statuses, 200)).toBeWithin(1, 90);
  let served = count(statuses, 200);
  while ((await all.status(served % 3)) === 200) served += 1;
  expect(served * 2).toBeWithin(170, 201);
});

describe("requests at once", () => {
  test("what a gateway held when it was killed is free when its lease ends, and what a living one holds is not", async () => {
    const gate = Promise.withResolvers<void>();
    await using all = await startReplicas(2, ["--concurrency=2"], {
      script: () => ({ ...say("hi"), gate: gate.promise }),
    });
    const dying = all.status(0).catch(() => 0);
    const living = all.status(1);
    await all.upstream.until((seen) => seen.length === 2);
    expect(await all.status(1)).toBe(429);
    all.all[0]!.process.kill(9);
    await dying;
    expect(await all.status(1)).toBe(429);
    const started = Date.now();
    while (all.upstream.asked().length < 3) {
      void all.status(1).catch(() => 0);
      await Bun.sleep(200);
    }
    expect(Date.now() - started).toBeWithin(5_000, 20_000);
    // The living one's is still held: its lease is renewed.
    expect(await all.status(1)).toBe(429);
    gate.resolve();
    expect(await living).toBe(200);
  });
});
