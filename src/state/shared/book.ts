// The local copy of what is shared: the database of this home is what every reader reads, and it is made equal to what Redis holds. What an edit changed
// in it is found by comparing before and after, so that no store knows where the truth is.
// Never holds a provider's key: those are in no table.

import * as v from "valibot";
import type { Clock } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import type { Db } from "../database.ts";
import { isFrozen, setFrozen } from "../freeze.ts";
import { openGenerations } from "../generations.ts";
import { openSnapshots } from "../snapshots.ts";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const generationSchema = v.strictObject({ id: count, created_ms: v.number(), reason: v.string(), body: v.string() });
const tokenSchema = v.strictObject({
  name: v.string(),
  profile: v.string(),
  created_ms: v.number(),
  expires_ms: v.nullable(v.number()),
  revoked_ms: v.nullable(v.number()),
});
const entrySchema = v.strictObject({
  state: v.picklist(["healthy", "cooldown", "blocked", "auth_failed", "incompatible"]),
  reason: v.string(),
  until_ms: v.nullable(v.number()),
  strikes: v.number(),
  probe_ms: v.number(),
  party: v.nullable(v.string()),
});
export type EntryRow = v.InferOutput<typeof entrySchema>;
const markSchema = v.strictObject({ target: v.string(), lineage: v.string(), version: count, generation: count });

/** All but turns as JSON texts, as Redis keeps them. */
export type Book = {
  generation: string | null;
  frozen: "0" | "1";
  tokens: Map<string, string>;
  health: Map<string, string>;
};
/** Which book the local copy is. */
export type Mark = v.InferOutput<typeof markSchema>;
export type Remote = Book & { lineage: string; version: number; turns: Map<string, string> };

const MARK = "shared";
/** Turns that are written without looking first. */
const FEW = 20;

const damaged = () => new BrokeError("config", "the shared state is damaged", "set BROKE_STATE to another database");

function checked<Schema extends v.GenericSchema>(schema: Schema, text: string): v.InferOutput<Schema> {
  const read = v.safeParse(schema, parseJson(text));
  if (!read.success) throw damaged();
  return read.output;
}

/** An entry as Redis keeps it; empty where there is none. Throws `config` for anything else. */
export const readEntry = (text: string): EntryRow | undefined => (text === "" ? undefined : checked(entrySchema, text));

const list = v.array(v.string());
const readSchema = v.tuple([v.string(), v.string(), v.nullable(v.string()), v.picklist(["0", "1"]), list, list, list]);

const pairs = (flat: readonly string[]) =>
  new Map(Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2]!, flat[at * 2 + 1]!] as const));

/** What the script `READ` said; undefined: nothing is kept yet. Throws `config`. */
export function readRemote(said: unknown): Remote | undefined {
  if (Array.isArray(said) && said.length === 0) return undefined;
  const read = v.safeParse(readSchema, said);
  if (!read.success) throw damaged();
  const [lineage, version, generation, frozen, tokens, health, turns] = read.output;
  return {
    ...{ lineage, version: Number(version), generation, frozen },
    ...{ tokens: pairs(tokens), health: pairs(health), turns: pairs(turns) },
  };
}

/** The local copy. */
export function readBook(db: Db): Book {
  const newest = "SELECT id, created_ms, reason, body FROM generations ORDER BY id DESC LIMIT 1";
  const generation = db.query(newest).get();
  const tokens = db.query<{ hash: string; row: string }, []>(
    `SELECT hash, json_object('name', name, 'profile', profile, 'created_ms', created_ms, 'expires_ms', expires_ms, 'revoked_ms', revoked_ms) AS row
       FROM tokens`,
  );
  const health = db.query<{ subject: string; row: string }, []>(
    `SELECT subject, json_object('state', state, 'reason', reason, 'until_ms', until_ms, 'strikes', strikes, 'probe_ms', probe_ms, 'party', party) AS row
       FROM health`,
  );
  return {
    generation: generation === null ? null : JSON.stringify(generation),
    frozen: isFrozen(db) ? "1" : "0",
    tokens: new Map(tokens.all().map(({ hash, row }) => [hash, row])),
    health: new Map(health.all().map(({ subject, row }) => [subject, row])),
  };
}

/** What of `after` is not so in `before`; undefined where nothing is. */
export function changesOf(before: Book, after: Book) {
  const other = (now: Map<string, string>, was: Map<string, string>) =>
    Object.fromEntries([...now].filter(([name, text]) => was.get(name) !== text));
  const gone = [...before.health.keys()].filter((subject) => !after.health.has(subject));
  const changes = {
    ...(after.generation === before.generation ? {} : { generation: after.generation }),
    ...(after.frozen === before.frozen ? {} : { frozen: after.frozen }),
    tokens: other(after.tokens, before.tokens),
    health: { ...other(after.health, before.health), ...Object.fromEntries(gone.map((subject) => [subject, ""])) },
  };
  const { tokens, health, ...rest } = changes;
  const none = [rest, tokens, health].every((part) => Object.keys(part).length === 0);
  return none ? undefined : changes;
}

const markText = (db: Db) =>
  db.query<{ value: string }, [string]>("SELECT value FROM settings WHERE name = ?").get(MARK)?.value;
const newestId = (db: Db) =>
  db.query<{ id: number | null }, []>("SELECT max(id) AS id FROM generations").get()?.id ?? 0;

/** Which book of this target the copy is; undefined: none. */
export function readMark(db: Db, target: string): Mark | undefined {
  const read = v.safeParse(markSchema, parseJson(markText(db) ?? ""));
  return read.success && read.output.target === target ? read.output : undefined;
}

/** Notes which book the copy is now. */
export function writeMark(db: Db, mark: Omit<Mark, "generation">): void {
  const text = JSON.stringify({ ...mark, generation: newestId(db) });
  if (text === markText(db)) return;
  const upsert =
    "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
  db.query(upsert).run(MARK, text);
}

/** One entry of the copy, with its line in the log where its state is another now. */
export function writeEntry(db: Db, subject: string, entry: EntryRow | undefined, nowMs: number): void {
  const known = db.query<{ state: string; reason: string }, [string]>(
    "SELECT state, reason FROM health WHERE subject = ?",
  );
  const before = known.get(subject);
  const [was, state] = [before?.state ?? "healthy", entry?.state ?? "healthy"];
  if (was !== state) {
    const reason = entry?.reason ?? (before?.reason === "manual_set" ? "manual_set" : "cooldown_expired");
    const log = db.query("INSERT INTO transitions (at_ms, subject, was, state, reason) VALUES (?, ?, ?, ?, ?)");
    log.run(nowMs, subject, was, state, reason);
  }
  if (entry === undefined) {
    if (before !== null) db.query("DELETE FROM health WHERE subject = ?").run(subject);
    return;
  }
  db.query(
    "INSERT OR REPLACE INTO health (subject, state, reason, until_ms, strikes, probe_ms, party) VALUES (?, ?, ?, ?, ?, ?, ?)",
  ).run(...[subject, entry.state, entry.reason, entry.until_ms, entry.strikes, entry.probe_ms, entry.party]);
}

/** Turns of the others, by name. */
export function writeTurns(db: Db, turns: ReadonlyMap<string, string>): void {
  const upsert = db.query(
    `INSERT INTO rotation (kind, pool, member, value, at) VALUES (?1, ?2, ?3, ?4, 1 + coalesce((SELECT max(at) FROM rotation), 0))
     ON CONFLICT (kind, pool, member) DO UPDATE SET value = excluded.value, at = excluded.at WHERE value <> excluded.value`,
  );
  const rows = db.query<{ name: string; value: string }, []>(
    "SELECT kind || char(10) || pool || char(10) || member AS name, value FROM rotation",
  );
  const known = turns.size > FEW ? new Map(rows.all().map(({ name, value }) => [name, value])) : undefined;
  for (const [name, value] of turns) {
    if (known?.get(name) === value) continue;
    const [kind, pool, member] = name.split("\n");
    if (kind !== undefined && pool !== undefined && member !== undefined) upsert.run(kind, pool, member, value);
  }
}

/** Makes the copy what Redis holds. What a home was set to by itself is saved as a snapshot. To be called in a transaction that writes. */
export function writeBook(db: Db, remote: Remote, target: string, clock: Clock): void {
  const now = readBook(db);
  const alone = readMark(db, target)?.generation !== newestId(db);
  if (alone && now.generation !== null && now.generation !== remote.generation)
    openSnapshots(db, clock).save(openGenerations(db, clock).current(), null);
  if (now.generation !== remote.generation) {
    const next = remote.generation === null ? undefined : checked(generationSchema, remote.generation);
    db.query("DELETE FROM generations WHERE id >= ?").run(next?.id ?? 0);
    if (next !== undefined)
      db.query("INSERT INTO generations (id, created_ms, reason, body) VALUES (?, ?, ?, ?)").run(
        ...[next.id, next.created_ms, next.reason, next.body],
      );
  }
  if (now.frozen !== remote.frozen) setFrozen(db, remote.frozen === "1");
  const forget = db.query("DELETE FROM tokens WHERE hash = ?");
  for (const hash of now.tokens.keys()) if (!remote.tokens.has(hash)) forget.run(hash);
  const changed = [...remote.tokens].filter(([hash, text]) => now.tokens.get(hash) !== text);
  const rows = changed.map(([hash, text]) => ({ hash, ...checked(tokenSchema, text) }));
  const revoke = db.query("UPDATE tokens SET revoked_ms = ? WHERE hash = ?");
  const insert = db.query(
    `INSERT INTO tokens (hash, name, profile, created_ms, expires_ms, revoked_ms) VALUES (?, ?, ?, ?, ?, ?)
     ON CONFLICT (hash) DO UPDATE SET name = excluded.name, profile = excluded.profile, expires_ms = excluded.expires_ms, revoked_ms = excluded.revoked_ms`,
  );
  // Ended ones first: a name is free again when its holder has ended.
  for (const { hash, revoked_ms } of rows) if (revoked_ms !== null) revoke.run(revoked_ms, hash);
  for (const { hash, name, profile, created_ms, expires_ms, revoked_ms } of rows.sort(
    (a, b) => a.created_ms - b.created_ms,
  ))
    insert.run(hash, name, profile, created_ms, expires_ms, revoked_ms);
  for (const subject of now.health.keys()) if (!remote.health.has(subject)) writeEntry(db, subject, undefined, clock());
  for (const [subject, text] of remote.health)
    if (now.health.get(subject) !== text) writeEntry(db, subject, readEntry(text), clock());
  writeTurns(db, remote.turns);
  writeMark(db, { target, lineage: remote.lineage, version: remote.version });
}
