// What profiles may use, where several homes share it: one script a request checks and counts everything at once, on Redis's clock. What a gateway counted
// in the last minute it remembers and writes down, and tells a Redis that came back without it; an open request keeps its place by a lease, which ends with its gateway.
// Does not stop: a Redis that comes back without its data while a gateway that was killed does not: what that one counted in the last minute is lost then.

import type { Clock } from "#src/core/clock.ts";
import type { Db } from "../database.ts";
import type { Amount, Hold, LimitPort, Taken, Unknown } from "../limits.ts";
import { type Entry, openCounted } from "./counted.ts";
import { BEAT, SETTLE, TAKE } from "./scripts.ts";
import type { Session } from "./session.ts";
import type { SharedTarget } from "./target.ts";

const LEASE_MS = 10_000;
const WINDOW_MS = 60_000;
const DAY_MS = 86_400_000;
const AGAIN_MS = 1_000;

type Settled = { entry: Entry; need: Amount; used: Amount | null };
type Spent = { day: number; usd: number };

export type SharedLimits = LimitPort & {
  /** Tells Redis that this gateway lives; `full`: and all it counted. Resolves to the version of the book. */
  beat(session: Session, full: boolean): Promise<number>;
  /** Sends what is not yet settled. */
  send(session: Session): Promise<void>;
};

const words = (said: unknown): readonly unknown[] => (Array.isArray(said) ? said : []);

/** `current`: the session while there is one. */
export function openSharedLimits(
  db: Db,
  target: SharedTarget,
  clock: Clock,
  current: () => Session | undefined,
): SharedLimits {
  const entries = new Map<string, Entry>();
  const pending: Settled[] = [];
  const spent = new Map<string, Spent>();
  let run = "";
  let forgotten = 0;
  let sending: Promise<void> | undefined;
  const known = db.query<{ subject: string; usd: number }, [number]>("SELECT subject, usd FROM used WHERE day = ?");
  const keep = db.query(
    `INSERT INTO used (subject, requests, tokens, newest_ms, day, usd, open) VALUES (?, 0, 0, 0, ?, ?, '{}')
     ON CONFLICT DO UPDATE SET day = excluded.day, usd = excluded.usd WHERE day < excluded.day OR (day = excluded.day AND usd < excluded.usd)`,
  );
  const today = Math.floor(clock() / DAY_MS);
  for (const { subject, usd } of known.all(today)) spent.set(subject, { day: today, usd });
  const counted = openCounted(db);
  for (const entry of counted.since(clock() - WINDOW_MS)) entries.set(entry.id, entry);

  const noteSpent = (subject: string, at: number, usd: number) => {
    const day = Math.floor(at / DAY_MS);
    const before = spent.get(subject);
    if (usd === 0 || (before?.day === day && before.usd >= usd)) return;
    spent.set(subject, { day, usd });
    keep.run(subject, day, usd);
  };
  const unknown = (waitMs: number): Taken | Unknown =>
    target.limits === "closed"
      ? { kind: "unknown", waitMs }
      : { kind: "held", hold: { need: { tokens: 0, usd: 0 }, settle: () => {} } };

  const settleOne = async (session: Session, { entry, need, used }: Settled): Promise<boolean> => {
    const { s, id } = entry;
    const about = used === null ? ["", 0] : [used.tokens, used.usd];
    const [word, at, total] = words(await session.run(SETTLE, run, s, id, need.tokens, ...about));
    if (word !== "done") return false;
    noteSpent(s, Number(at), Number(total));
    if (used === null) {
      entries.delete(id);
      counted.drop(id);
    } else {
      const more = Math.max(0, used.tokens - need.tokens);
      Object.assign(entry, { open: false, n: Math.min(need.tokens, used.tokens), more, moreAt: Number(at) });
      counted.keep(entry);
    }
    return true;
  };
  const send = (session: Session): Promise<void> => {
    const all = async () => {
      for (let next = pending[0]; next !== undefined; next = pending[0]) {
        if (!(await settleOne(session, next))) return;
        pending.shift();
      }
    };
    sending ??= all().finally(() => void (sending = undefined));
    return sending;
  };
  const sendNow = () => {
    const session = current();
    // What cannot be sent now goes with a later beat.
    if (session !== undefined) void send(session).catch(() => undefined);
  };
  const makeHold = (entry: Entry, need: Amount): Hold => {
    let over = false;
    return {
      need,
      settle(used) {
        if (over) return;
        over = true;
        pending.push({ entry, need, used });
        sendNow();
      },
    };
  };
  const forget = (now: number) => {
    for (const [id, { open, at, moreAt }] of entries)
      if (!open && Math.max(at, moreAt) <= now - 2 * WINDOW_MS) entries.delete(id);
    if (now - forgotten < WINDOW_MS) return;
    forgotten = now;
    counted.forget(now - 2 * WINDOW_MS);
  };
  const beat = async (session: Session, full: boolean): Promise<number> => {
    forget(clock());
    const told = {
      full,
      entries: [...entries.values()].filter(({ open }) => full || open),
      spent: full ? [...spent].map(([s, { day, usd }]) => ({ s, day, usd })) : [],
    };
    const [word, now, version] = words(await session.run(BEAT, run, LEASE_MS, JSON.stringify(told)));
    if (word !== "done") throw new Error("late");
    run = String(now);
    return Number(version);
  };

  return {
    async take(subject, { rpm, tpm, concurrency, dailyUsd }, need) {
      const id = crypto.randomUUID();
      try {
        for (let round = 0; round < 2; round++) {
          const session = current();
          if (session === undefined) break;
          const about = [run, subject, id, rpm, tpm, concurrency, dailyUsd, need.tokens, need.usd, LEASE_MS];
          const [word, first, second] = words(await session.run(TAKE, ...about));
          if (word === "held") {
            const [at, n] = [Number(first), need.tokens];
            const entry = { s: subject, id, at, n, usd: need.usd, open: true, more: 0, moreAt: 0 };
            entries.set(id, entry);
            counted.keep(entry);
            noteSpent(subject, at, Number(second));
            return { kind: "held", hold: makeHold(entry, need) };
          }
          if (word === "refused") {
            const wait = Number(second);
            const limit = (["rpm", "tpm", "concurrency", "dailyUsd"] as const).find((name) => name === first)!;
            return { kind: "refused", limit, waitMs: wait < 0 ? null : wait };
          }
          if (word === "settling") return unknown(Number(first));
          if (word === "late") break;
          await beat(session, true);
        }
      } catch {
        // Whoever holds the session knows that it broke.
      }
      return unknown(AGAIN_MS);
    },
    async flush() {
      counted.flush();
      const session = current();
      if (session !== undefined) await send(session).catch(() => undefined);
    },
    beat,
    send,
  };
}
