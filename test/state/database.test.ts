// What an older version wrote is there after the update; what a full disk puts off is written when there is room; a new one is made by many at once.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { subjectOf } from "#src/routing/health.ts";
import { openDatabase } from "#src/state/database.ts";
import { openHealth } from "#src/state/health.ts";
import { openLimits } from "#src/state/limits.ts";
import { type LoggedRequest, openRequests } from "#src/state/requests.ts";
import { openHome } from "#src/state/paths.ts";

/** The last version that did. */
const COUNTED_ONE_BY_ONE = 17;
const NOON = Date.UTC(2026, 10, 27, 12);
const DAY = Math.floor(NOON / 86_400_000);

test("requests, tokens, money and open places that were counted one by one count on", async () => {
  const dir = mkdtempSync(join(tmpdir(), "broke-migrate-"));
  try {
    const home = openHome({ BROKE_HOME: dir });
    using old = openDatabase(home);
    old.run(`DROP TABLE windows; DROP TABLE used; DROP INDEX rotation_order; ALTER TABLE requests DROP COLUMN losses; PRAGMA user_version = ${COUNTED_ONE_BY_ONE};
      CREATE TABLE allowances (id INTEGER PRIMARY KEY, subject TEXT NOT NULL, at_ms INTEGER NOT NULL, requests INTEGER NOT NULL,
        tokens INTEGER NOT NULL, usd REAL NOT NULL, owner TEXT) STRICT;
      CREATE TABLE spending (subject TEXT NOT NULL, day INTEGER NOT NULL, usd REAL NOT NULL, PRIMARY KEY (subject, day)) STRICT, WITHOUT ROWID;
      INSERT INTO spending VALUES ('p', ${DAY - 1}, 50), ('p', ${DAY}, 3), ('q', ${DAY - 1}, 70);
      INSERT INTO allowances (subject, at_ms, requests, tokens, usd, owner) VALUES
        ('p', ${NOON - 30_000}, 1, 100, 0, NULL), ('p', ${NOON - 30_000}, 1, 200, 2, 'one'), ('p', ${NOON - 10_000}, 1, 300, 1, 'two'),
        ('r', ${NOON - 5_000}, 1, 7, 0, NULL)`);
    using db = openDatabase(home);
    const owners = { self: "three", isAlive: () => true };
    const limits = openLimits(db, () => NOON, owners);
    const none = { rpm: 0, tpm: 0, concurrency: 0, dailyUsd: 0 };
    const told = async (subject: string, limit: object, need = { tokens: 0, usd: 0 }) => {
      const taken = await limits.take(subject, { ...none, ...limit }, need);
      return taken.kind === "held" ? "held" : `${taken.limit} ${taken.waitMs}`;
    };
    expect([
      await told("p", { rpm: 3 }),
      await told("p", { rpm: 1 }),
      await told("p", { tpm: 600 }, { tokens: 1, usd: 0 }),
      await told("p", { concurrency: 2 }),
      await told("p", { dailyUsd: 6.5 }, { tokens: 0, usd: 0.6 }),
      await told("r", { rpm: 1 }),
      await told("p", { rpm: 4, tpm: 600, concurrency: 3, dailyUsd: 6.5 }, { tokens: 0, usd: 0.5 }),
    ]).toEqual([
      ...["rpm 30000", "rpm 50000", "tpm 30000", "concurrency 1000", "dailyUsd 43200000", "rpm 55000"],
      "held",
    ]);
    expect([limits.spentToday("p"), limits.spentToday("q"), limits.spentToday("r")]).toEqual([3, 0, 0]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

const request: LoggedRequest = {
  ...{
    id: "req_1",
    atMs: NOON,
    run: null,
    profile: null,
    token: null,
    path: "/",
    slot: null,
    backend: null,
    key: null,
  },
  ...{ tried: [], generation: null, status: 200, aborted: false, ms: 1, ttftMs: null, inputTokens: 1, outputTokens: 1 },
  ...{ cacheReadTokens: null, cacheWriteTokens: null, costUsd: null, model: null, answered: null, losses: [] },
};

test("a disk that is full puts off the request log and what was used, and loses none of it", async () => {
  const dir = mkdtempSync(join(tmpdir(), "broke-full-"));
  try {
    using db = openDatabase(openHome({ BROKE_HOME: dir }));
    const log = openRequests(db, () => NOON);
    const limits = openLimits(db, () => NOON, { self: "one", isAlive: () => true });
    const all = { rpm: 9, tpm: 9_000, concurrency: 9, dailyUsd: 9 };
    const taken = await limits.take("p", all, { tokens: 10, usd: 1 });
    if (taken.kind !== "held") throw new Error("it was refused");
    const { page_count: pages } = db.query("PRAGMA page_count").get() as { page_count: number };
    const fill = db.query("INSERT INTO settings (name, value) VALUES (?, ?)");
    db.run(`PRAGMA max_page_count = ${pages}`);
    expect(() => fill.run("full", "x".repeat(1_000_000))).toThrow("full");
    log.add({ ...request, path: `/${"x".repeat(100_000)}` });
    log.flush();
    expect(log.last(9)).toEqual([]);
    const many = (at: number) => limits.take(`${at} ${"s".repeat(8_000)}`, all, { tokens: 10, usd: 1 });
    const refused = await Promise.allSettled([many(1), many(2), many(3)]);
    expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    taken.hold.settle({ tokens: 7, usd: 2 });
    db.run("PRAGMA max_page_count = 100000");
    log.flush();
    limits.flush();
    expect([log.last(9).length, limits.spentToday("p")]).toEqual([1, 2]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test("what is learnt of a key while the disk is full counts at once, and the operator's word is refused", () => {
  const dir = mkdtempSync(join(tmpdir(), "broke-full-"));
  try {
    using db = openDatabase(openHome({ BROKE_HOME: dir }));
    const told: string[] = [];
    const health = openHealth(
      db,
      () => NOON,
      ({ subject }) => told.push(subject),
    );
    const { page_count: pages } = db.query("PRAGMA page_count").get() as { page_count: number };
    db.run(`PRAGMA max_page_count = ${pages}`);
    // So long that the table's own page does not hold it.
    const attempt = { backend: { label: "l", model: "m".repeat(9_000) }, keyName: "KEY" };
    health.failed(attempt, { reason: "rate_limit", retryAfterMs: 60_000 });
    const subject = subjectOf(attempt, "rate_limit");
    expect(health.get(subject)).toMatchObject({ state: "cooldown", untilMs: NOON + 60_000 });
    expect([health.all(), told]).toEqual([[], [subject]]);
    expect(() => health.set(`backend ${"b".repeat(9_000)}`, "blocked", null)).toThrow("full");
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test("of several that make a home's database at once none is refused", async () => {
  const dir = mkdtempSync(join(tmpdir(), "broke-at-once-"));
  try {
    const HOMES = 50;
    const program = `
      import { openDatabase } from "#src/state/database.ts";
      import { openHome } from "#src/state/paths.ts";
      for (let count = 0; count < ${HOMES}; count++) {
        const db = openDatabase(openHome({ BROKE_HOME: ${JSON.stringify(dir)} + "/" + count }));
        console.log(Object.values(db.query("PRAGMA journal_mode").get())[0]);
      }`;
    const openers = Array.from({ length: 4 }, () =>
      Bun.spawn([process.execPath, "-e", program], {
        cwd: join(import.meta.dir, "..", ".."),
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
    for (const { stdout, stderr } of openers) {
      expect(await new Response(stderr).text()).toBe("");
      expect(await new Response(stdout).text()).toBe("wal\n".repeat(HOMES));
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
