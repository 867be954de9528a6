// What was used of what may be used: windows to the millisecond, with a clock of the test's own, and several processes on one home.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive, ownerNow } from "#src/gateway/ownership.ts";
import { openDatabase } from "#src/state/database.ts";
import { type Limits, openLimits, type Taken } from "#src/state/limits.ts";
import { openHome } from "#src/state/paths.ts";

const none: Limits = { rpm: 0, tpm: 0, concurrency: 0, dailyUsd: 0 };
const NOON = Date.UTC(2026, 10, 27, 12);

function world(owners = { self: ownerNow(), isAlive }) {
  const dir = mkdtempSync(join(tmpdir(), "broke-limits-"));
  const db = openDatabase(openHome({ BROKE_HOME: dir }));
  const time = { now: NOON };
  const open = (as = owners) => openLimits(db, () => time.now, as);
  return { dir, db, time, open, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

const wordOf = (taken: Taken) => (taken.kind === "held" ? "held" : `${taken.limit} ${taken.waitMs}`);
const said = async (taking: Promise<Taken>) => wordOf(await taking);
const settle = async (taking: Promise<Taken>, tokens: number, usd = 0) => {
  const taken = await taking;
  if (taken.kind !== "held") throw new Error("it was refused");
  taken.hold.settle({ tokens, usd });
};

describe("windows", () => {
  test("so many requests in any 60 s, not a millisecond less; the wait that is told is enough and no less is", async () => {
    using at = world();
    const limits = at.open();
    const take = () => said(limits.take("p", { ...none, rpm: 2 }, { tokens: 0, usd: 0 }));
    expect(await take()).toBe("held");
    at.time.now += 30_000;
    expect(await Promise.all([take(), take()])).toEqual(["held", "rpm 30000"]);
    at.time.now += 29_999;
    expect(await take()).toBe("rpm 1");
    at.time.now += 1;
    expect(await Promise.all([take(), take()])).toEqual(["held", "rpm 30000"]);
    expect(await said(limits.take("q", { ...none, rpm: 1 }, { tokens: 0, usd: 0 }))).toBe("held");
  });

  test("tokens are reserved, and corrected both ways; what was not foreseen counts from when it was known", async () => {
    using at = world();
    const limits = at.open();
    const take = (tokens: number) => limits.take("p", { ...none, tpm: 1000 }, { tokens, usd: 0 });
    const first = take(800);
    expect(await said(take(201))).toBe("tpm 60000");
    await settle(first, 300);
    const second = take(700);
    expect(await Promise.all([said(second), said(take(1))])).toEqual(["held", "tpm 60000"]);
    at.time.now += 50_000;
    await settle(second, 1500);
    at.time.now += 10_000;
    // The 1000 that were foreseen have left; 800 more were used ten seconds ago.
    expect(await Promise.all([said(take(201)), said(take(200))])).toEqual(["tpm 50000", "held"]);
    expect(await said(take(1001))).toBe("tpm null");
  });

  test("a clock set back does not lock out for longer than a minute", async () => {
    using at = world();
    const limits = at.open();
    const take = () => said(limits.take("p", { ...none, rpm: 1 }, { tokens: 0, usd: 0 }));
    expect(await take()).toBe("held");
    at.time.now -= 86_400_000;
    expect(await take()).toBe("rpm 60000");
    at.time.now += 60_000;
    expect(await take()).toBe("held");
  });
});

describe("requests at once", () => {
  test("a place is free when its request is over, and at once when it came to nothing", async () => {
    using at = world();
    const limits = at.open();
    const take = () => limits.take("p", { ...none, concurrency: 2, rpm: 3 }, { tokens: 0, usd: 0 });
    const [first, second] = [take(), take()];
    expect(await said(take())).toBe("concurrency 1000");
    await settle(first, 0);
    const third = await take();
    expect(wordOf(third)).toBe("held");
    // Nobody was asked: neither a place nor a request.
    if (third.kind === "held") third.hold.settle(null);
    await settle(second, 0);
    await settle(second, 0);
    expect(await Promise.all([said(take()), said(take())])).toEqual(["held", "rpm 60000"]);
  });

  test("what a dead process held is free, and paid; what a living one holds is not", async () => {
    using at = world();
    const dead = at.open({ self: `${process.pid} 1 another-boot`, isAlive });
    const living = at.open({ self: ownerNow(), isAlive });
    const wanted = { ...none, concurrency: 1, dailyUsd: 5 };
    expect(await said(dead.take("p", wanted, { tokens: 0, usd: 2 }))).toBe("held");
    expect(await said(living.take("p", wanted, { tokens: 0, usd: 1 }))).toBe("held");
    expect(living.spentToday("p")).toBe(2);
    expect(await said(at.open({ self: "other", isAlive }).take("p", wanted, { tokens: 0, usd: 1 }))).toBe(
      "concurrency 1000",
    );
  });
});

test("what many killed processes held is not carried along for ever, whatever is limited", async () => {
  using at = world();
  for (let count = 0; count < 40; count++)
    await at.open({ self: `${count}`, isAlive }).take("p", { ...none, rpm: 100 }, { tokens: 0, usd: 1 });
  const { open, usd } = at.db.query("SELECT open, usd FROM used").get() as { open: string; usd: number };
  const held = Object.keys(JSON.parse(open) as object).length;
  expect([held <= 17, held + usd]).toEqual([true, 40]);
});

describe("money of a day", () => {
  test("what is open counts as reserved; a new day in UTC begins with nothing; the wait is until then", async () => {
    using at = world();
    const limits = at.open();
    const take = (usd: number) => limits.take("p", { ...none, dailyUsd: 10 }, { tokens: 0, usd });
    const first = take(6);
    expect(await said(take(5))).toBe("dailyUsd 43200000");
    await settle(first, 0, 9.5);
    expect(await said(take(0.6))).toBe("dailyUsd 43200000");
    await settle(take(0.5), 0, 0.7);
    expect(await Promise.all([said(take(0)), said(take(10.1))])).toEqual(["dailyUsd 43200000", "dailyUsd null"]);
    expect(limits.spentToday("p")).toBeCloseTo(10.2);
    at.time.now += 43_200_000;
    expect(await said(take(10))).toBe("held");
  });
});

test("what was spent stays spent while a clock that was set back to the day before catches up, and no longer", async () => {
  using at = world();
  const limits = at.open();
  const take = (usd: number) => limits.take("p", { ...none, dailyUsd: 10 }, { tokens: 0, usd });
  await settle(take(1), 0, 9);
  limits.flush();
  at.time.now -= 86_400_000;
  expect([await said(take(2)), limits.spentToday("p")]).toEqual(["dailyUsd 43200000", 9]);
  at.time.now += 43_200_000;
  expect([await said(take(10)), limits.spentToday("p")]).toEqual(["held", 0]);
});

test("four processes on one home: exactly so many are let in, none twice, and nothing is lost when they are killed", async () => {
  using at = world();
  const program = `
    import { writeSync } from "node:fs";
    import { openState } from "#src/cli/compose.ts";
    const { limits } = openState({ BROKE_HOME: ${JSON.stringify(at.dir)} });
    let held = 0;
    for (let count = 0; count < 100; count++)
      if ((await limits.take("p", { rpm: 150, tpm: 0, concurrency: 0, dailyUsd: 0 }, { tokens: 1, usd: 0 })).kind === "held") held += 1;
    writeSync(1, String(held));
    process.kill(process.pid, "SIGKILL");
  `;
  const runs = Array.from({ length: 4 }, () =>
    Bun.spawn([process.execPath, "-e", program], { cwd: join(import.meta.dir, "..", ".."), stdout: "pipe" }),
  );
  const counts = await Promise.all(runs.map(async (run) => Number(await new Response(run.stdout).text())));
  // What one has said ends a moment before it is dead.
  await Promise.all(runs.map((run) => run.exited));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(150);
  const limits = openLimits(at.db, Date.now, { self: ownerNow(), isAlive });
  expect(await said(limits.take("p", { ...none, concurrency: 1 }, { tokens: 0, usd: 0 }))).toBe("held");
});
