// Health of keys and backends, shared by every gateway of this home and kept over restarts. Read from memory; another process's change is
// noticed by SQLite's own counter.

import type { Clock } from "#src/core/clock.ts";
import {
  afterFailure,
  clearedBy,
  type Failure,
  type Health,
  type HealthEntry,
  subjectOf,
} from "#src/routing/health.ts";
import type { Attempt } from "#src/routing/candidates.ts";
import { type Db, foreignChanges } from "./database.ts";
import { perTurn } from "./turn.ts";

export type HealthStore = Health & {
  failed(attempt: Attempt, failure: Failure): void;
  /** An answer came: what was counted against it is forgotten, but for what only the operator lifts. */
  worked(attempt: Attempt): void;
  /** Everything known, by subject. */
  all(): (HealthEntry & { subject: string })[];
  /** The operator lifts everything about a key or backend; returns how many entries that were. */
  lift(name: string): number;
};

type Row = { subject: string; reason: HealthEntry["reason"]; until_ms: number | null; strikes: number };

const entryOf = ({ reason, until_ms: untilMs, strikes }: Row): HealthEntry => ({ reason, untilMs, strikes });

/** The store on an open database. */
export function openHealth(db: Db, clock: Clock): HealthStore {
  const selectAll = db.query<Row, []>("SELECT subject, reason, until_ms, strikes FROM health ORDER BY subject");
  const selectOne = db.query<Row, [string]>("SELECT subject, reason, until_ms, strikes FROM health WHERE subject = ?");
  const upsert = db.query(
    `INSERT INTO health (subject, reason, until_ms, strikes) VALUES (?, ?, ?, ?)
     ON CONFLICT (subject) DO UPDATE SET reason = excluded.reason, until_ms = excluded.until_ms, strikes = excluded.strikes`,
  );
  const remove = db.query("DELETE FROM health WHERE subject = ?");
  let known = new Map<string, HealthEntry>();
  let seen = -1;

  const read = (): Map<string, HealthEntry> => {
    const now = foreignChanges(db);
    if (now !== seen) {
      seen = now;
      known = new Map(selectAll.all().map((row) => [row.subject, entryOf(row)]));
    }
    return known;
  };
  const fresh = perTurn(read);
  const drop = (subject: string) => {
    remove.run(subject);
    known.delete(subject);
  };

  return {
    any: () => fresh().size > 0,
    get: (subject) => fresh().get(subject),
    failed(attempt, failure) {
      const subject = subjectOf(attempt, failure.reason);
      db.transaction(() => {
        const row = selectOne.get(subject);
        const next = afterFailure(row === null ? undefined : entryOf(row), failure, clock());
        upsert.run(subject, next.reason, next.untilMs, next.strikes);
        read().set(subject, next);
      }).immediate();
    },
    worked(attempt) {
      const now = fresh();
      if (now.size === 0) return;
      for (const subject of clearedBy(attempt)) {
        const entry = now.get(subject);
        if (entry !== undefined && entry.untilMs !== null && entry.untilMs <= clock()) drop(subject);
      }
    },
    all: () => selectAll.all().map((row) => ({ subject: row.subject, ...entryOf(row) })),
    lift(name) {
      const subjects = selectAll
        .all()
        .flatMap(({ subject }) =>
          [`key ${name}`, `backend ${name}`].some((start) => subject === start || subject.startsWith(`${start} `))
            ? [subject]
            : [],
        );
      for (const subject of subjects) drop(subject);
      return subjects.length;
    },
  };
}
