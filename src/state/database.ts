// The one SQLite database, WAL, and its migrations. Waits for other writers up to the busy timeout; every write is an IMMEDIATE transaction,
// because a deferred one that reads first fails at once when another process wrote meanwhile.
// Does not stop: damage by another process of the same user; damage is noticed (integrity and schema version) and fails closed.

import { Database } from "bun:sqlite";
import { chmodSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { storageError } from "#src/core/system-errors.ts";
import { perMoment } from "./moment.ts";
import type { Home } from "./paths.ts";

export type Db = Database;

const BUSY_TIMEOUT_MS = 5000;
const ASK_AGAIN_MS = 10;

// Each entry brings the schema from its index to the next; entries are only ever added.
const migrations = [
  `CREATE TABLE generations (
     id INTEGER PRIMARY KEY,
     created_ms INTEGER NOT NULL,
     reason TEXT NOT NULL,
     body TEXT NOT NULL
   ) STRICT;
   CREATE TABLE runs (
     id TEXT PRIMARY KEY,
     created_ms INTEGER NOT NULL,
     client TEXT NOT NULL,
     profile TEXT NOT NULL,
     workspace TEXT NOT NULL,
     status TEXT NOT NULL,
     verdict TEXT,
     head_seq INTEGER NOT NULL,
     head_hash TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE health (
     subject TEXT PRIMARY KEY,
     reason TEXT NOT NULL,
     until_ms INTEGER,
     strikes INTEGER NOT NULL
   ) STRICT;`,
  `CREATE TABLE settings (
     name TEXT PRIMARY KEY,
     value TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE heads (
     name TEXT PRIMARY KEY,
     seq INTEGER NOT NULL,
     hash TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE trust (
     folder TEXT PRIMARY KEY,
     hash TEXT NOT NULL,
     trusted_ms INTEGER NOT NULL
   ) STRICT;`,
  `CREATE TABLE roles (
     role TEXT PRIMARY KEY,
     lane TEXT NOT NULL,
     session TEXT NOT NULL,
     slot TEXT,
     backend TEXT,
     health TEXT NOT NULL,
     reason TEXT,
     asked INTEGER NOT NULL,
     answered INTEGER NOT NULL,
     degraded INTEGER NOT NULL,
     run TEXT,
     verdict TEXT,
     contribution TEXT,
     updated_ms INTEGER NOT NULL
   ) STRICT;`,
  `ALTER TABLE runs ADD COLUMN decision TEXT;
   ALTER TABLE runs ADD COLUMN decided_ms INTEGER;`,
  `CREATE TABLE verdicts (
     key TEXT PRIMARY KEY,
     body TEXT NOT NULL,
     created_ms INTEGER NOT NULL
   ) STRICT;`,
  `UPDATE runs SET status = CASE status WHEN 'running' THEN 'launched' WHEN 'failed' THEN 'abandoned' ELSE status END;`,
  `CREATE TABLE rotation (
     kind TEXT NOT NULL,
     pool TEXT NOT NULL,
     member TEXT NOT NULL,
     value TEXT NOT NULL,
     at INTEGER NOT NULL,
     PRIMARY KEY (kind, pool, member)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX rotation_at ON rotation (kind, at);
   ALTER TABLE health ADD COLUMN state TEXT NOT NULL DEFAULT 'cooldown';
   ALTER TABLE health ADD COLUMN probe_ms INTEGER NOT NULL DEFAULT 0;
   UPDATE health SET state = CASE WHEN until_ms IS NULL THEN 'blocked' WHEN reason = 'auth_failure' THEN 'auth_failed'
     WHEN reason = 'upstream_error' AND strikes < 3 THEN 'healthy' ELSE 'cooldown' END;
   CREATE TABLE transitions (
     id INTEGER PRIMARY KEY,
     at_ms INTEGER NOT NULL,
     subject TEXT NOT NULL,
     was TEXT NOT NULL,
     state TEXT NOT NULL,
     reason TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE snapshots (
     hash TEXT PRIMARY KEY,
     name TEXT UNIQUE,
     created_ms INTEGER NOT NULL,
     body TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE listings (
     source TEXT PRIMARY KEY,
     listed_ms INTEGER NOT NULL,
     body TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE tokens (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL,
     hash TEXT NOT NULL UNIQUE,
     profile TEXT NOT NULL,
     created_ms INTEGER NOT NULL,
     expires_ms INTEGER,
     used_ms INTEGER,
     revoked_ms INTEGER
   ) STRICT;
   CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked_ms IS NULL;`,
  `CREATE TABLE allowances (
     id INTEGER PRIMARY KEY,
     subject TEXT NOT NULL,
     at_ms INTEGER NOT NULL,
     requests INTEGER NOT NULL,
     tokens INTEGER NOT NULL,
     usd REAL NOT NULL,
     owner TEXT
   ) STRICT;
   CREATE INDEX allowances_window ON allowances (subject, at_ms);
   CREATE INDEX allowances_open ON allowances (subject, owner) WHERE owner IS NOT NULL;
   CREATE TABLE spending (
     subject TEXT NOT NULL,
     day INTEGER NOT NULL,
     usd REAL NOT NULL,
     PRIMARY KEY (subject, day)
   ) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE requests (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL,
     at_ms INTEGER NOT NULL,
     run TEXT,
     profile TEXT,
     token TEXT,
     path TEXT NOT NULL,
     slot TEXT,
     backend TEXT,
     key TEXT,
     tried TEXT NOT NULL,
     generation INTEGER,
     status INTEGER NOT NULL,
     aborted INTEGER NOT NULL,
     ms REAL NOT NULL,
     ttft_ms REAL,
     input_tokens INTEGER,
     output_tokens INTEGER,
     cache_read_tokens INTEGER,
     cache_write_tokens INTEGER,
     cost_usd REAL,
     model TEXT,
     answered TEXT
   ) STRICT;
   CREATE INDEX requests_at ON requests (at_ms);`,
  `ALTER TABLE health ADD COLUMN party TEXT;`,
  `CREATE TABLE counted (
     id TEXT PRIMARY KEY,
     subject TEXT NOT NULL,
     at_ms INTEGER NOT NULL,
     tokens INTEGER NOT NULL,
     usd REAL NOT NULL,
     more INTEGER NOT NULL,
     more_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE windows (
     subject TEXT NOT NULL,
     at_ms INTEGER NOT NULL,
     requests INTEGER NOT NULL,
     tokens INTEGER NOT NULL,
     PRIMARY KEY (subject, at_ms)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE used (
     subject TEXT PRIMARY KEY,
     requests INTEGER NOT NULL,
     tokens INTEGER NOT NULL,
     newest_ms INTEGER NOT NULL,
     day INTEGER NOT NULL,
     usd REAL NOT NULL,
     open TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   INSERT INTO windows SELECT subject, at_ms, sum(requests), sum(tokens) FROM allowances GROUP BY subject, at_ms;
   INSERT INTO used SELECT subject, 0, 0, 0, max(day), usd, '{}' FROM spending GROUP BY subject;
   INSERT INTO used SELECT subject, sum(requests), sum(tokens), max(at_ms), 0, 0, '{}' FROM windows WHERE true GROUP BY subject
     ON CONFLICT DO UPDATE SET requests = excluded.requests, tokens = excluded.tokens, newest_ms = excluded.newest_ms;
   UPDATE used SET open = coalesce((SELECT json_group_object(owner, json_object('count', count, 'usd', usd)) FROM
     (SELECT owner, count(*) AS count, sum(usd) AS usd FROM allowances WHERE subject = used.subject AND owner IS NOT NULL GROUP BY owner)), '{}');
   DROP TABLE allowances;
   DROP TABLE spending;`,
  `CREATE INDEX rotation_order ON rotation (at);`,
  `ALTER TABLE requests ADD COLUMN losses TEXT;`,
];

/** `ask`: as it is now; `soon`: as it was a moment ago at most. */
type Watch = { ask(): number; soon(): number };
const watches = new WeakMap<Db, Watch>();

function watchOf(db: Db): Watch {
  const known = watches.get(db);
  if (known !== undefined) return known;
  const query = db.query<{ data_version: number }, []>("PRAGMA data_version");
  const ask = () => query.get()?.data_version ?? 0;
  const watch = { ask, soon: perMoment(ask) };
  watches.set(db, watch);
  return watch;
}

/** Changes whenever another connection, here or in another process, has committed something; seen at most a moment later. */
export const foreignChanges = (db: Db): number => watchOf(db).soon();

/** The same, seen at once: for what must never be a moment late. */
export const foreignChangesNow = (db: Db): number => watchOf(db).ask();

/** Whether the same may work a little later: another process held the database, or the disk is full. */
export function isPassing(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && /^SQLITE_(BUSY|FULL|IOERR)/.test(code);
}

function migrate(db: Database): void {
  const version = () => (db.query("PRAGMA user_version").get() as { user_version: number }).user_version;
  if (version() > migrations.length) {
    throw new BrokeError(
      "config",
      "broke.db was written by a newer version",
      "update broke, or set BROKE_HOME to another folder",
    );
  }
  if (version() === migrations.length) return;
  db.transaction(() => {
    for (let step = version(); step < migrations.length; step++) {
      db.run(migrations[step]!);
      db.run(`PRAGMA user_version = ${step + 1}`);
    }
  }).immediate();
}

/** SQLite does not wait where two bring a new database to WAL at once: each holds what the other needs. So who is refused asks again. */
function useWal(db: Database): void {
  const untilMs = performance.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      return void db.run("PRAGMA journal_mode = WAL");
    } catch (error) {
      if (!/^SQLITE_BUSY/.test(String((error as { code?: unknown }).code)) || performance.now() > untilMs) throw error;
      Bun.sleepSync(1 + Math.random() * ASK_AGAIN_MS);
    }
  }
}

/** Opens the database, makes it when missing (0600), migrates it. Throws `config` when it cannot be read. */
export function openDatabase(home: Home): Db {
  const previous = process.umask(0o077);
  try {
    const db = new Database(home.database, { create: true, strict: true });
    db.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    useWal(db);
    db.run("PRAGMA synchronous = FULL");
    migrate(db);
    chmodSync(home.database, 0o600);
    return db;
  } catch (error) {
    if (error instanceof BrokeError) throw error;
    throw (
      storageError(error, home.database) ??
      new BrokeError(
        "config",
        `${home.database} cannot be opened`,
        "move it away to start anew; runs and routing in it are lost",
      )
    );
  } finally {
    process.umask(previous);
  }
}
