// A gateway's part in what is shared, for as long as it lives: told of every change at once, it makes the local copy current; what its answers teach goes
// to the others behind the answers. While Redis is lost it goes on from the copy; when it is back, it first hears what it missed, and tells what it counted.
// Does not stop: a token revoked elsewhere from being good here while Redis cannot be reached.

import { systemClock } from "#src/core/clock.ts";
import { parseJson } from "#src/core/json.ts";
import type { HealthEntry } from "#src/routing/health.ts";
import { openDatabase } from "../database.ts";
import { type HealthChange, openHealth, type HealthStore } from "../health.ts";
import type { LimitPort } from "../limits.ts";
import type { Home } from "../paths.ts";
import { openRotation, type RotationStore } from "../rotation.ts";
import { type EntryRow, readEntry, readMark, writeEntry, writeTurns } from "./book.ts";
import { pull } from "./edit.ts";
import { openSharedLimits } from "./limits.ts";
import { ENTRY, HEALTH, NEWS, TURNS } from "./scripts.ts";
import { openSession, type Session } from "./session.ts";
import type { SharedTarget } from "./target.ts";

const BEAT_MS = 500;
const AGAIN_MS = 100;
const TURNS_MS = 5;
const MOST_WAITING = 1_000;
const MOST_TRIES = 20;
const MOST_AGE_MS = 30_000;

export type Replica = {
  limits: LimitPort;
  health: HealthStore;
  rotation: RotationStore;
  /** Whether nobody may be served now. */
  isClosed(): boolean;
  /** Resolves when the copy is current for the first time, or after a moment without. */
  ready: Promise<void>;
  close(): Promise<void>;
};

const rowOf = ({ state, reason, untilMs, strikes, probeMs, party }: HealthEntry): string =>
  JSON.stringify({ state, reason, until_ms: untilMs, strikes, probe_ms: probeMs, party } satisfies EntryRow);

const entryOf = (row: EntryRow | undefined): HealthEntry | undefined =>
  row &&
  ({
    ...{
      state: row.state,
      reason: row.reason,
      untilMs: row.until_ms,
      strikes: row.strikes,
      probeMs: row.probe_ms,
      party: row.party,
    },
  } as HealthEntry);

const textsOf = (said: unknown): string[] => (Array.isArray(said) ? said.map(String) : []);

/** Joins. The copy is kept in a connection of its own, so that the stores see its changes as they see another process's. */
export function joinShared(home: Home, target: SharedTarget): Replica {
  const db = openDatabase(home);
  // A copy: what a crash loses is read again.
  db.run("PRAGMA synchronous = NORMAL");
  const own = openDatabase(home);
  const origin = crypto.randomUUID();
  const learnt: { change: HealthChange; atMs: number }[] = [];
  const turned = new Map<string, string>();
  const heard = new Map<string, string>();
  let session: Session | undefined;
  let closed = false;
  let pulling: Promise<void> | undefined;
  let again = false;
  let telling: Promise<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limits = openSharedLimits(db, target, systemClock, () => session);
  const first = Promise.withResolvers<void>();
  let wake = Promise.withResolvers<void>();

  const write = (work: () => void) => db.transaction(work).immediate();
  const pullNow = (from: Session): Promise<void> => {
    again = true;
    const all = async () => {
      while (again) {
        again = false;
        await pull(db, from, target);
      }
    };
    pulling ??= all().finally(() => void (pulling = undefined));
    return pulling;
  };
  const hear = (from: Session, message: string) => {
    if (message === "book") return void pullNow(from).catch(() => undefined);
    const news = textsOf(parseJson(message));
    const [kind, who, ...rest] = news;
    if (kind === "health") write(() => writeEntry(db, rest[0] ?? "", readEntry(rest[1] ?? ""), systemClock()));
    if (kind !== "turns" || who === origin) return;
    for (let at = 0; at + 1 < rest.length; at += 2) heard.set(rest[at]!, rest[at + 1]!);
    timer ??= setTimeout(() => {
      timer = undefined;
      const turns = new Map(heard);
      heard.clear();
      try {
        write(() => writeTurns(db, turns));
      } catch {
        // Whose turn it was is known nearly, or with the next reading.
      }
    }, TURNS_MS);
  };
  const teach = async (to: Session, { subject, next }: HealthChange) => {
    for (let round = 0; round < MOST_TRIES; round++) {
      const before = textsOf(await to.run(ENTRY, subject))[0] ?? "";
      const entry = next(entryOf(readEntry(before)));
      const after = entry === undefined ? "" : rowOf(entry);
      if (after === before) return;
      const news = JSON.stringify(["health", origin, subject, after]);
      if (textsOf(await to.run(HEALTH, subject, before, after, news))[0] === "done") return;
    }
  };
  const tellAll = async (to: Session) => {
    for (let next = learnt[0]; next !== undefined; next = learnt[0]) {
      // What was learnt long ago while nobody could be told is no news.
      if (systemClock() - next.atMs < MOST_AGE_MS) await teach(to, next.change);
      if (learnt[0] === next) learnt.shift();
    }
    if (turned.size === 0) return;
    const flat = [...turned].flat();
    turned.clear();
    await to.run(TURNS, JSON.stringify(["turns", origin, ...flat]), ...flat);
  };
  const tell = (to: Session | undefined = session): Promise<void> => {
    if (to === undefined) return Promise.resolve();
    telling ??= tellAll(to).finally(() => {
      telling = undefined;
      if (session !== undefined && learnt.length + turned.size > 0) void tell().catch(() => undefined);
    });
    return telling;
  };
  const connect = async (): Promise<Session> => {
    let open = true;
    let opened: Session | undefined;
    opened = await openSession(target, () => {
      open = false;
      if (session === opened) session = undefined;
      wake.resolve();
    });
    try {
      const from = opened;
      await from.subscribe(NEWS, (message) => {
        try {
          hear(from, message);
        } catch {
          // The database was busy, or the news was none: all of it is read.
          void pullNow(from).catch(() => undefined);
        }
      });
      await pullNow(opened);
      await limits.beat(opened, true);
      await limits.send(opened);
      await tell(opened);
      if (!open) throw new Error("broke off");
      return opened;
    } catch (error) {
      opened[Symbol.dispose]();
      throw error;
    }
  };
  const live = async () => {
    while (!closed) {
      try {
        if (session === undefined) session = await connect();
        else {
          const now = session;
          const version = await limits.beat(now, false);
          if (version !== readMark(db, target.name)?.version) await pullNow(now);
          await limits.send(now);
          await tell();
        }
      } catch {
        // A call that failed has closed its session; one that came too late may mean that a clock was set, which a new one finds out.
        session?.[Symbol.dispose]();
        session = undefined;
      }
      first.resolve();
      if (session === undefined) await Bun.sleep(AGAIN_MS);
      else await Promise.race([Bun.sleep(BEAT_MS), wake.promise]);
      wake = Promise.withResolvers<void>();
    }
  };
  void live();

  return {
    limits,
    health: openHealth(own, systemClock, (change) => {
      if (learnt.length >= MOST_WAITING) learnt.shift();
      learnt.push({ change, atMs: systemClock() });
      void tell().catch(() => undefined);
    }),
    rotation: openRotation(own, (turns) => {
      for (const [name, value] of turns) if (turned.size < MOST_WAITING || turned.has(name)) turned.set(name, value);
      void tell().catch(() => undefined);
    }),
    isClosed: () => target.health === "closed" && session === undefined,
    ready: first.promise,
    async close() {
      closed = true;
      await limits.flush();
      await tell().catch(() => undefined);
      session?.[Symbol.dispose]();
      session = undefined;
    },
  };
}
