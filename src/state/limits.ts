// How much of what it may use a profile has used: requests and tokens of the last minute, exact sliding windows; requests that are open; money of the
// day, in UTC. Shared by every gateway of this home: an immediate transaction takes the places of all requests that came in one turn of the event loop, so
// that two never take the last one. Tokens and money are taken by estimate and corrected by what was really used. What a gateway held when it died is free
// again when somebody needs it, and counts as used. Nothing here is touched for who has no limit.
// Does not stop: a clock that is set forward; set back, what was used stays used for a minute from then on.

import type { Access } from "#src/routing/access.ts";
import type { Clock } from "#src/core/clock.ts";
import { type Db, isPassing } from "./database.ts";
import { openTallies, type Sums, type Tally } from "./tally.ts";

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

/** What the gateway asks. */
export type LimitPort = {
  take(subject: string, limits: Limits, need: Amount): Promise<Taken | Unknown>;
  /** Writes down what is not yet. */
  flush(): void | Promise<void>;
};

export type LimitStore = {
  /** Rejects when the database cannot be written. */
  take(subject: string, limits: Limits, need: Amount): Promise<Taken>;
  /** What was used today. */
  spentToday(subject: string): number;
  flush(): void;
};

/** Who holds: `self` names this process for as long as it lives, wherever it is asked. */
export type Owners = { self: string; isAlive(owner: string): boolean };

const DAY_MS = 86_400_000;
/** Nobody knows when an open request ends. */
const OPEN_WAIT_MS = 1_000;
const RETRY_MS = 100;
/** More processes than this hold something only where many were killed. */
const MOST_OWNERS = 16;
/** So long what was settled waits for a request to be written down with. */
const SETTLE_MS = 5;

type Settled = { subject: string; atMs: number; need: Amount; used: Amount | null; overMs: number };
type Asked = {
  subject: string;
  limits: Limits;
  need: Amount;
  answer: (taken: Taken) => void;
  fail: (error: unknown) => void;
};
type Exceeded = { limit: LimitName; waitMs: number | null };

function settle(tally: Tally, { atMs, need, used, overMs }: Settled): void {
  tally.close(need.usd);
  if (used === null) return tally.correct(atMs, { requests: -1, tokens: -need.tokens });
  const more = used.tokens - need.tokens;
  // What was not foreseen was used just now, not when the request began.
  if (more > 0) tally.add(overMs, { requests: 0, tokens: more });
  else if (more < 0) tally.correct(atMs, { requests: 0, tokens: more });
  tally.pay(used.usd);
}

function exceeded(tally: Tally, { limits, need }: Asked, nowMs: number): Exceeded[] {
  const { rpm, tpm, concurrency, dailyUsd } = limits;
  const found: Exceeded[] = [];
  const fewer = ({ requests }: Sums) => requests < rpm;
  const less = ({ tokens }: Sums) => tokens + need.tokens <= tpm;
  if (rpm > 0 && !fewer(tally.sums)) found.push({ limit: "rpm", waitMs: tally.roomIn(fewer) });
  if (tpm > 0 && !less(tally.sums)) found.push({ limit: "tpm", waitMs: tally.roomIn(less) });
  if (concurrency > 0 && tally.openCount() >= concurrency) found.push({ limit: "concurrency", waitMs: OPEN_WAIT_MS });
  if (dailyUsd === 0) return found;
  const used = tally.usd();
  const midnight = (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS;
  if (used >= dailyUsd || used + need.usd > dailyUsd)
    found.push({ limit: "dailyUsd", waitMs: need.usd > dailyUsd ? null : midnight - nowMs });
  return found;
}

function refusalOf(found: readonly [Exceeded, ...Exceeded[]]): Taken {
  const never = found.find(({ waitMs }) => waitMs === null);
  if (never !== undefined) return { kind: "refused", ...never };
  const waitMs = Math.max(...found.map((each) => each.waitMs ?? 0));
  return { kind: "refused", limit: found[0].limit, waitMs };
}

/** The store on an open database. */
export function openLimits(db: Db, clock: Clock, { self, isAlive }: Owners): LimitStore {
  const tallies = openTallies(db);
  const asked: Asked[] = [];
  const pending: Settled[] = [];
  let turn: Disposable | undefined;
  let timer: Disposable | undefined;

  const makeHold = (subject: string, need: Amount, atMs: number): Hold => {
    let over = false;
    return {
      need,
      settle(used) {
        if (over) return;
        over = true;
        pending.push({ subject, atMs, need, used, overMs: clock() });
        timer ??= setTimeout(settleLater, SETTLE_MS);
      },
    };
  };
  const isHere = (owner: string) => owner === self || isAlive(owner);
  const takeOne = (tally: Tally, one: Asked, nowMs: number): Taken => {
    let found = exceeded(tally, one, nowMs);
    if (found.some(({ limit }) => limit === "concurrency" || limit === "dailyUsd")) {
      tally.reap(isHere);
      found = exceeded(tally, one, nowMs);
    }
    const [first, ...rest] = found;
    if (first !== undefined) return refusalOf([first, ...rest]);
    tally.add(nowMs, { requests: 1, tokens: one.need.tokens });
    tally.open(one.need.usd);
    return { kind: "held", hold: makeHold(one.subject, one.need, nowMs) };
  };
  const work = (settled: readonly Settled[], taking: readonly Asked[]): Taken[] => {
    const nowMs = clock();
    const scene = { nowMs, day: Math.floor(nowMs / DAY_MS), self };
    const read = new Map<string, Tally>();
    const tallyOf = (subject: string) => {
      const known = read.get(subject);
      if (known !== undefined) return known;
      const tally = tallies.read(subject, scene);
      if (tally.owners() > MOST_OWNERS) tally.reap(isHere);
      read.set(subject, tally);
      return tally;
    };
    for (const one of settled) settle(tallyOf(one.subject), one);
    const taken = taking.map((one) => takeOne(tallyOf(one.subject), one, nowMs));
    for (const tally of read.values()) tally.save();
    return taken;
  };
  const transaction = db.transaction(work).immediate;
  /** One transaction that does not wait for the disk: a crash of the process loses none of it, one of the machine its last moments. */
  const write = (taking: readonly Asked[]): Taken[] => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    const settled = pending.splice(0);
    db.run("PRAGMA synchronous = NORMAL");
    try {
      return transaction(settled, taking);
    } catch (error) {
      pending.unshift(...settled);
      if (pending.length > 0) timer ??= setTimeout(settleLater, RETRY_MS);
      throw error;
    } finally {
      db.run("PRAGMA synchronous = FULL");
    }
  };
  const settleLater = () => {
    try {
      write([]);
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  };
  const takeAll = () => {
    turn = undefined;
    const taking = asked.splice(0);
    try {
      const taken = write(taking);
      taking.forEach(({ answer }, at) => answer(taken[at]!));
    } catch (error) {
      for (const { fail } of taking) fail(error);
    }
  };

  return {
    take: (subject, limits, need) =>
      new Promise((answer, fail) => {
        asked.push({ subject, limits, need, answer, fail });
        turn ??= setImmediate(takeAll);
      }),
    spentToday: (subject) => tallies.spentOn(subject, Math.floor(clock() / DAY_MS)),
    flush() {
      if (pending.length > 0) write([]);
    },
  };
}
