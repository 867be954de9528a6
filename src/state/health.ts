// Health of keys and backends, shared by every gateway of this home and kept over restarts. Read from memory; another process's change is
// noticed by SQLite's own counter. Every change of state is written to a log with its reason, the oldest of which go.

import type { Clock } from "#src/core/clock.ts";
import {
  afterFailure,
  clearedBy,
  type Failure,
  type Health,
  type HealthEntry,
  type HealthReason,
  type HealthState,
  isAnothers,
  isHalfOpen,
  PROBE_MS,
  subjectOf,
  takingSubject,
  type Tried,
} from "#src/routing/health.ts";
import { type Db, foreignChanges, isPassing } from "./database.ts";
import { requireThawed } from "./freeze.ts";

export type Transition = { atMs: number; subject: string; was: HealthState; state: HealthState; reason: HealthReason };

export type HealthStore = Health & {
  failed(attempt: Tried, failure: Failure): void;
  /** It does not take this member of requests in its own dialect. */
  unfit(attempt: Tried, member: string, party: string): void;
  /** An answer came: what was counted against it is forgotten, but for what only the operator lifts. `party` as in `Failure`. */
  worked(attempt: Tried, party?: string): void;
  /** Before it is made: of several requests one may try what has just cooled down. False when another does. */
  claim(attempt: Tried, party?: string): boolean;
  /** It was not made after all, or came to nothing that says anything. */
  release(attempt: Tried): void;
  /** Everything known, by subject. */
  all(): (HealthEntry & { subject: string })[];
  /** The operator lifts everything about a key or backend; returns how many entries that were. */
  lift(name: string): number;
  /** The operator's word about `key <variable>` or `backend <label>`; it stands until `untilMs`, null: until he takes it back. */
  set(subject: string, state: HealthState, untilMs: number | null): void;
  /** The newest first. */
  transitions(most: number): Transition[];
};

type Row = Omit<HealthEntry, "untilMs" | "probeMs"> & { subject: string; until_ms: number | null; probe_ms: number };

const MOST_TRANSITIONS = 10_000;
const COLUMNS = "subject, state, reason, until_ms, strikes, probe_ms, party";

const entryOf = ({ state, reason, until_ms: untilMs, strikes, probe_ms: probeMs, party }: Row): HealthEntry => ({
  ...{ state, reason, untilMs, strikes, probeMs, party },
});

/** One change of an entry, as it is to be made of whatever the entry is elsewhere. */
export type HealthChange = {
  subject: string;
  next(before: HealthEntry | undefined): HealthEntry | undefined;
};

/** The store on an open database; `told` is told of every change that was made here. */
export function openHealth(db: Db, clock: Clock, told?: (change: HealthChange) => void): HealthStore {
  const selectAll = db.query<Row, []>(`SELECT ${COLUMNS} FROM health ORDER BY subject`);
  const selectOne = db.query<Row, [string]>(`SELECT ${COLUMNS} FROM health WHERE subject = ?`);
  const upsert = db.query(
    `INSERT INTO health (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (subject) DO UPDATE SET state = excluded.state, reason = excluded.reason, until_ms = excluded.until_ms,
       strikes = excluded.strikes, probe_ms = excluded.probe_ms, party = excluded.party`,
  );
  const remove = db.query("DELETE FROM health WHERE subject = ?");
  const log = db.query("INSERT INTO transitions (at_ms, subject, was, state, reason) VALUES (?, ?, ?, ?, ?)");
  const prune = db.query("DELETE FROM transitions WHERE id <= (SELECT max(id) FROM transitions) - ?");
  const newest = db.query<Omit<Transition, "atMs"> & { at_ms: number }, [number]>(
    "SELECT at_ms, subject, was, state, reason FROM transitions ORDER BY id DESC LIMIT ?",
  );
  let known = new Map<string, HealthEntry>();
  let seen = -1;

  const read = (): Map<string, HealthEntry> => {
    const now = foreignChanges(db);
    if (now !== seen) {
      known = new Map(selectAll.all().map((row) => [row.subject, entryOf(row)]));
      seen = now;
    }
    return known;
  };
  type Next = (before: HealthEntry | undefined) => HealthEntry | undefined;
  const note = (subject: string, after: HealthEntry | undefined) =>
    after === undefined ? known.delete(subject) : known.set(subject, after);
  /** Changes one entry by its newest state, in one transaction with its line in the log. Undefined: nothing is known any more. */
  const change = (subject: string, reason: HealthReason | null, next: Next) => {
    const written = db.transaction(() => {
      const row = selectOne.get(subject);
      const before = row === null ? undefined : entryOf(row);
      const after = next(before);
      if (after === before) return undefined;
      const [was, state] = [before?.state ?? "healthy", after?.state ?? "healthy"];
      if (was !== state) {
        log.run(clock(), subject, was, state, reason ?? after?.reason ?? before!.reason);
        prune.run(MOST_TRANSITIONS);
      }
      if (after === undefined) remove.run(subject);
      else upsert.run(subject, after.state, after.reason, after.untilMs, after.strikes, after.probeMs, after.party);
      // Here nobody else can change anything: what is known is what this was added to.
      read();
      return { after };
    });
    const done = written.immediate();
    if (done !== undefined) note(subject, done.after);
    told?.({ subject, next });
  };
  /** The same for what the gateway learns: it counts here where it cannot be written down, and no request fails for that. */
  const learn = (subject: string, reason: HealthReason | null, next: Next) => {
    try {
      change(subject, reason, next);
    } catch (error) {
      if (!isPassing(error)) throw error;
      note(subject, next(read().get(subject)));
      told?.({ subject, next });
    }
  };

  return {
    any: () => read().size > 0,
    get: (subject) => read().get(subject),
    failed(attempt, failure) {
      const subject = subjectOf(attempt, failure.reason);
      learn(subject, failure.reason, (before) => afterFailure(before, failure, clock()));
      // Whatever else it tried first of, this says nothing about.
      this.release(attempt);
    },
    unfit({ backend }, member, party) {
      for (const [subject, { state, untilMs }] of read())
        if (state === "incompatible" && untilMs !== null && untilMs <= clock())
          learn(subject, "cooldown_expired", () => undefined);
      learn(takingSubject(backend.label, member), "unsupported_parameter", (before) =>
        afterFailure(before, { reason: "unsupported_parameter", party }, clock()),
      );
    },
    worked(attempt, party = "live") {
      // As it was when the request was resolved, or later: what came since says nothing of this one.
      if (known.size === 0) return;
      const now = read();
      for (const subject of clearedBy(attempt)) {
        const entry = now.get(subject);
        // Where it failed another's requests alone, it is theirs that were wrong.
        const isOver = (known: HealthEntry) =>
          known.untilMs !== null && (known.untilMs <= clock() || isAnothers(known, party));
        if (entry === undefined || !isOver(entry)) continue;
        learn(subject, "cooldown_expired", (before) => (before !== undefined && isOver(before) ? undefined : before));
      }
    },
    claim(attempt, party = "live") {
      const now = read();
      if (now.size === 0) return true;
      let mine = true;
      for (const subject of clearedBy(attempt)) {
        const entry = now.get(subject);
        if (!mine || entry === undefined || isAnothers(entry, party) || !isHalfOpen(entry, clock())) continue;
        learn(subject, null, (before) => {
          if (before === undefined || !isHalfOpen(before, clock())) return before;
          mine = before.probeMs <= clock();
          return mine ? { ...before, probeMs: clock() + PROBE_MS } : before;
        });
      }
      return mine;
    },
    release(attempt) {
      if (known.size === 0) return;
      const now = read();
      for (const subject of clearedBy(attempt)) {
        if ((now.get(subject)?.probeMs ?? 0) === 0) continue;
        learn(subject, null, (before) => (before === undefined ? before : { ...before, probeMs: 0 }));
      }
    },
    all: () => selectAll.all().map((row) => ({ subject: row.subject, ...entryOf(row) })),
    lift(name) {
      const found = selectAll
        .all()
        .flatMap(({ subject }) =>
          [`key ${name}`, `backend ${name}`].some((start) => subject === start || subject.startsWith(`${start} `))
            ? [subject]
            : [],
        );
      for (const subject of found) change(subject, "manual_set", () => void requireThawed(db));
      return found.length;
    },
    set: (subject, state, untilMs) =>
      change(subject, "manual_set", () => {
        requireThawed(db);
        return { state, reason: "manual_set", untilMs, strikes: 0, probeMs: 0, party: null };
      }),
    transitions: (most) => newest.all(most).map(({ at_ms: atMs, ...rest }) => ({ atMs, ...rest })),
  };
}
