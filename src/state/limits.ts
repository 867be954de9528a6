// How much of what it may use a profile has used: requests and tokens of the last minute, exact sliding windows; requests that are open; money of the
// day, in UTC. Shared by every gateway of this home: one immediate transaction takes a request's place, so that two never take the last one. Tokens and
// money are taken by estimate and corrected by what was really used. What a gateway held when it died is free again when somebody needs it, and counts as
// used. Nothing here is touched for who has no limit.
// Does not stop: a clock that is set forward; set back, what was used stays used for a minute from then on.

import type { Access } from "#src/routing/access.ts";
import type { Clock } from "#src/core/clock.ts";
import type { Db } from "./database.ts";

export type Limits = Pick<Access, "rpm" | "tpm" | "concurrency" | "dailyUsd" | "unpricedUsd">;
export type LimitName = "rpm" | "tpm" | "concurrency" | "dailyUsd";
/** Tokens read and written, and US dollars. */
export type Amount = { tokens: number; usd: number };

/** A place that was taken. */
export type Hold = {
  readonly need: Amount;
  /** It is over, and this was used; null: nothing was asked of anybody, so it is as if it had not been. */
  settle(used: Amount | null): void;
};
/** `waitMs` null: waiting is no use, it is more than the limit by itself. */
export type Taken = { kind: "held"; hold: Hold } | { kind: "refused"; limit: LimitName; waitMs: number | null };
/** Where what was used is shared, and cannot be asked for at the moment. */
export type Unknown = { kind: "unknown"; waitMs: number };

/** What the gateway asks; a promise only where it is shared by more than this home. */
export type LimitPort = {
  take(subject: string, limits: Limits, need: Amount): Taken | Promise<Taken | Unknown>;
  /** Writes down what is not yet. */
  flush(): void | Promise<void>;
};

export type LimitStore = {
  take(subject: string, limits: Limits, need: Amount): Taken;
  /** What was used today. */
  spentToday(subject: string): number;
  flush(): void;
};

/** Who holds: `self` names this process for as long as it lives, wherever it is asked. */
export type Owners = { self: string; isAlive(owner: string): boolean };

const WINDOW_MS = 60_000;
const DAY_MS = 86_400_000;
/** Nobody knows when an open request ends. */
const OPEN_WAIT_MS = 1_000;
const RETRY_MS = 100;
const KEPT_DAYS = 60;

type Sums = { requests: number; tokens: number };
type Open = { count: number; usd: number };
type Settled = { id: number; subject: string; need: Amount; used: Amount | null; atMs: number };

/** The store on an open database. */
export function openLimits(db: Db, clock: Clock, { self, isAlive }: Owners): LimitStore {
  const inWindow = db.query<Sums, [string, number]>(
    `SELECT coalesce(sum(requests), 0) AS requests, coalesce(sum(tokens), 0) AS tokens
       FROM allowances WHERE subject = ? AND at_ms > ?`,
  );
  const rows = db.query<{ at_ms: number } & Sums, [string, number]>(
    "SELECT at_ms, requests, tokens FROM allowances WHERE subject = ? AND at_ms > ? ORDER BY at_ms",
  );
  const openOf = db.query<Open, [string]>(
    "SELECT count(*) AS count, coalesce(sum(usd), 0) AS usd FROM allowances WHERE subject = ? AND owner IS NOT NULL",
  );
  const owners = db.query<{ owner: string }, [string]>(
    "SELECT DISTINCT owner FROM allowances WHERE subject = ? AND owner IS NOT NULL",
  );
  const ofOwner = db.query<{ id: number; usd: number }, [string, string]>(
    "SELECT id, usd FROM allowances WHERE subject = ? AND owner = ?",
  );
  const insert = db.query(
    "INSERT INTO allowances (subject, at_ms, requests, tokens, usd, owner) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const close = db.query("UPDATE allowances SET owner = NULL, tokens = ?, usd = 0 WHERE id = ?");
  const remove = db.query("DELETE FROM allowances WHERE id = ?");
  const rewind = db.query("UPDATE allowances SET at_ms = ?1 WHERE subject = ?2 AND at_ms > ?1");
  const prune = db.query("DELETE FROM allowances WHERE subject = ? AND at_ms <= ? AND owner IS NULL");
  const spent = db.query<{ usd: number }, [string, number]>("SELECT usd FROM spending WHERE subject = ? AND day = ?");
  const spend = db.query(
    `INSERT INTO spending (subject, day, usd) VALUES (?, ?, ?)
     ON CONFLICT (subject, day) DO UPDATE SET usd = usd + excluded.usd`,
  );
  const forget = db.query("DELETE FROM spending WHERE day < ?");
  const pending: Settled[] = [];
  let timer: Disposable | undefined;

  const today = () => Math.floor(clock() / DAY_MS);
  const spentOn = (subject: string) => spent.get(subject, today())?.usd ?? 0;
  const pay = (subject: string, usd: number) => {
    if (usd <= 0) return;
    spend.run(subject, today(), usd);
    forget.run(today() - KEPT_DAYS);
  };
  const writeSettled = (settled: readonly Settled[]) => {
    for (const { id, subject, need, used, atMs } of settled) {
      if (used === null) {
        remove.run(id);
        continue;
      }
      close.run(Math.min(need.tokens, used.tokens), id);
      // What was not foreseen was used just now, not when the request began.
      const more = used.tokens - need.tokens;
      if (more > 0) insert.run(subject, atMs, 0, more, 0, null);
      pay(subject, used.usd);
    }
  };
  /** One transaction that does not wait for the disk: a crash of the process loses none of it, one of the machine its last moments. */
  const write = <Value>(work: () => Value): Value => {
    const settled = pending.splice(0);
    db.run("PRAGMA synchronous = NORMAL");
    try {
      return db
        .transaction(() => {
          writeSettled(settled);
          return work();
        })
        .immediate();
    } catch (error) {
      pending.unshift(...settled);
      throw error;
    } finally {
      db.run("PRAGMA synchronous = FULL");
    }
  };
  const stopTimer = () => {
    timer?.[Symbol.dispose]();
    timer = undefined;
  };
  const flush = () => {
    stopTimer();
    if (pending.length > 0) write(() => undefined);
  };
  const flushLater = () => {
    try {
      flush();
    } catch (error) {
      if ((error as { code?: string }).code !== "SQLITE_BUSY") throw error;
      timer = setTimeout(flushLater, RETRY_MS);
    }
  };
  const makeHold = (id: number, subject: string, need: Amount): Hold => {
    let over = false;
    return {
      need,
      settle(used) {
        if (over) return;
        over = true;
        pending.push({ id, subject, need, used, atMs: clock() });
        timer ??= setImmediate(flushLater);
      },
    };
  };
  /** Frees what dead processes held. */
  const reap = (subject: string) => {
    for (const { owner } of owners.all(subject)) {
      if (owner === self || isAlive(owner)) continue;
      for (const { id, usd } of ofOwner.all(subject, owner)) {
        db.query("UPDATE allowances SET owner = NULL, usd = 0 WHERE id = ?").run(id);
        pay(subject, usd);
      }
    }
  };
  /** When so much of the window has left it that there is room. */
  const roomIn = (subject: string, now: number, isRoom: (left: Sums) => boolean, sums: Sums): number | null => {
    const left = { ...sums };
    for (const { at_ms: at, requests, tokens } of rows.all(subject, now - WINDOW_MS)) {
      left.requests -= requests;
      left.tokens -= tokens;
      if (isRoom(left)) return at + WINDOW_MS - now;
    }
    return null;
  };
  const exceeded = (subject: string, limits: Limits, need: Amount, now: number) => {
    const found: { limit: LimitName; waitMs: number | null }[] = [];
    const sums = inWindow.get(subject, now - WINDOW_MS)!;
    const fewer = ({ requests }: Sums) => requests < limits.rpm;
    const less = ({ tokens }: Sums) => tokens + need.tokens <= limits.tpm;
    if (limits.rpm > 0 && !fewer(sums)) found.push({ limit: "rpm", waitMs: roomIn(subject, now, fewer, sums) });
    if (limits.tpm > 0 && !less(sums)) found.push({ limit: "tpm", waitMs: roomIn(subject, now, less, sums) });
    const open = openOf.get(subject)!;
    if (limits.concurrency > 0 && open.count >= limits.concurrency)
      found.push({ limit: "concurrency", waitMs: OPEN_WAIT_MS });
    const used = spentOn(subject) + open.usd;
    if (limits.dailyUsd > 0 && (used >= limits.dailyUsd || used + need.usd > limits.dailyUsd))
      found.push({ limit: "dailyUsd", waitMs: need.usd > limits.dailyUsd ? null : (today() + 1) * DAY_MS - now });
    return found;
  };

  return {
    take(subject, limits, need) {
      stopTimer();
      return write((): Taken => {
        const now = clock();
        rewind.run(now, subject);
        prune.run(subject, now - WINDOW_MS);
        let found = exceeded(subject, limits, need, now);
        if (found.some(({ limit }) => limit === "concurrency" || limit === "dailyUsd")) {
          reap(subject);
          found = exceeded(subject, limits, need, now);
        }
        const [first] = found;
        if (first === undefined) {
          const { lastInsertRowid } = insert.run(subject, now, 1, need.tokens, need.usd, self);
          return { kind: "held", hold: makeHold(Number(lastInsertRowid), subject, need) };
        }
        const waits = found.map(({ waitMs }) => waitMs);
        const never = found.find(({ waitMs }) => waitMs === null);
        if (never !== undefined) return { kind: "refused", ...never };
        return { kind: "refused", limit: first.limit, waitMs: Math.max(...waits.map((ms) => ms ?? 0)) };
      });
    },
    spentToday: spentOn,
    flush,
  };
}
