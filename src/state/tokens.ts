// Tokens bound to a profile: their SHA-256 alone is kept, with name, expiry and last use. A token is found by its hash through an index: what a wrong
// one has in common with a right one shows in no time, and how many there are costs nothing. Another process's change counts from the next request on.
// Does not stop: guessing a token somebody chose badly; one made here has 256 bits.

import { BrokeError } from "#src/core/errors.ts";
import type { Clock } from "#src/core/clock.ts";
import { newSecret } from "#src/core/ids.ts";
import { nearest } from "#src/core/nearest.ts";
import { type Db, foreignChangesNow, isPassing } from "./database.ts";
import { requireThawed } from "./freeze.ts";

export type TokenState = "live" | "expired" | "revoked";
/** `expiresMs` null: never; `usedMs` null: not yet, else to the minute. */
export type BoundToken = {
  name: string;
  profile: string;
  createdMs: number;
  expiresMs: number | null;
  usedMs: number | null;
  revokedMs: number | null;
};

export type TokenStore = {
  /** Whose it is, and whether it is good now; undefined: nobody's. */
  find(token: string): { name: string; profile: string; state: TokenState } | undefined;
  /** It let somebody in. Written down at most once a minute. */
  used(token: string): void;
  /** Binds a token, one made here unless it is given; returns it, for the only time. Throws `usage`, and `denied` while frozen. */
  issue(wanted: { name: string | null; profile: string; token: string | null; expiresMs: number | null }): {
    name: string;
    token: string;
  };
  /** Throws `missing`. Goes on while frozen. */
  revoke(name: string): void;
  /** All of a profile; returns how many those were. */
  revokeOf(profile: string): number;
  /** The newest first. */
  list(): (BoundToken & { state: TokenState })[];
};

const USED_EVERY_MS = 60_000;
/** Hashes looked up and kept in memory. */
const MOST_KNOWN = 1_000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const MIN_LENGTH = 16;
/** What survives every header it may come in. */
const TOKEN = /^[\x21-\x7e]{1,256}$/;

type Row = {
  id: number;
  name: string;
  profile: string;
  created_ms: number;
  expires_ms: number | null;
  used_ms: number | null;
  revoked_ms: number | null;
};

/** What is kept of a token. */
export const hashToken = (token: string) => new Bun.CryptoHasher("sha256").update(token).digest("hex");

/** Throws `usage` for a token that could be guessed, or not be sent. */
function checkToken(token: string): string {
  if (token.length < MIN_LENGTH)
    throw new BrokeError(
      "usage",
      "the token is too short",
      `use at least ${MIN_LENGTH} characters, or let one be made`,
    );
  if (!TOKEN.test(token))
    throw new BrokeError("usage", "a token is at most 256 letters, digits and signs, without spaces");
  return token;
}

const stateOf = (row: Row, nowMs: number): TokenState =>
  row.revoked_ms !== null ? "revoked" : row.expires_ms !== null && row.expires_ms <= nowMs ? "expired" : "live";

const boundOf = (row: Row): BoundToken => ({
  name: row.name,
  profile: row.profile,
  createdMs: row.created_ms,
  expiresMs: row.expires_ms,
  usedMs: row.used_ms,
  revokedMs: row.revoked_ms,
});

/** The store on an open database. */
export function openTokens(db: Db, clock: Clock): TokenStore {
  const byHash = db.query<Row, [string]>("SELECT * FROM tokens WHERE hash = ?");
  const byName = db.query<Row, [string]>("SELECT * FROM tokens WHERE name = ? AND revoked_ms IS NULL");
  const all = db.query<Row, []>("SELECT * FROM tokens ORDER BY id DESC");
  const insert = db.query("INSERT INTO tokens (name, hash, profile, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?)");
  const revokeOne = db.query("UPDATE tokens SET revoked_ms = ? WHERE name = ? AND revoked_ms IS NULL");
  const revokeAll = db.query("UPDATE tokens SET revoked_ms = ? WHERE profile = ? AND revoked_ms IS NULL");
  const touch = db.query("UPDATE tokens SET used_ms = ?1 WHERE id = ?2 AND coalesce(used_ms, 0) < ?1");
  let known = new Map<string, Row>();
  let seen = -1;
  // What was revoked elsewhere lets nobody in any more, however many requests come: this is not looked up once for several.
  const refresh = () => {
    const now = foreignChangesNow(db);
    if (now !== seen) known = new Map();
    seen = now;
  };
  const changed = () => void (known = new Map());
  const rowOf = (token: string): Row | undefined => {
    const hash = hashToken(token);
    const kept = known.get(hash);
    if (kept !== undefined) return kept;
    const row = byHash.get(hash);
    if (row === null) return undefined;
    if (known.size >= MOST_KNOWN) changed();
    known.set(hash, row);
    return row;
  };
  const freeName = (wanted: string): string => {
    for (let number = 1; ; number++) {
      const name = number === 1 ? wanted : `${wanted}-${number}`;
      if (byName.get(name) === null) return name;
    }
  };

  return {
    find(token) {
      refresh();
      const row = rowOf(token);
      return row === undefined ? undefined : { name: row.name, profile: row.profile, state: stateOf(row, clock()) };
    },
    used(token) {
      const row = rowOf(token);
      const now = clock();
      if (row === undefined || now - (row.used_ms ?? 0) < USED_EVERY_MS) return;
      row.used_ms = now;
      setImmediate(() => {
        // Nothing waits for the disk here, and nobody for another writer: a lost line is a minute of "last used".
        db.run("PRAGMA synchronous = NORMAL");
        try {
          touch.run(now, row.id);
        } catch (error) {
          if (!isPassing(error)) throw error;
        } finally {
          db.run("PRAGMA synchronous = FULL");
        }
      });
    },
    issue: db.transaction(({ name: wanted, profile, token: own, expiresMs }: Parameters<TokenStore["issue"]>[0]) => {
      requireThawed(db);
      if (wanted !== null && !NAME.test(wanted))
        throw new BrokeError("usage", "a token's name is letters, digits, dots, dashes and underscores, 64 at most");
      const now = clock();
      const holder = wanted === null ? null : byName.get(wanted);
      if (holder !== null && stateOf(holder, now) === "live")
        throw new BrokeError("usage", "there is a token of that name", "`broke token revoke <name>` ends it");
      if (holder !== null) revokeOne.run(now, holder.name);
      const token = own === null ? newSecret("brokeapp") : checkToken(own);
      if (byHash.get(hashToken(token)) !== null)
        throw new BrokeError("usage", "that token was bound before", "let one be made, or choose another");
      const name = wanted ?? freeName(profile);
      insert.run(name, hashToken(token), profile, now, expiresMs);
      changed();
      return { name, token };
    }).immediate,
    revoke(name) {
      const done = revokeOne.run(clock(), name).changes > 0;
      changed();
      if (done) return;
      const guess = nearest(
        name,
        all.all().flatMap((row) => (row.revoked_ms === null ? [row.name] : [])),
      );
      throw new BrokeError(
        "missing",
        "no such token",
        guess === undefined ? "`broke token list` shows them" : `did you mean ${guess}?`,
      );
    },
    revokeOf(profile) {
      const { changes } = revokeAll.run(clock(), profile);
      changed();
      return changes;
    },
    list: () => all.all().map((row) => ({ ...boundOf(row), state: stateOf(row, clock()) })),
  };
}
