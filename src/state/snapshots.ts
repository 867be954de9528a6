// Saved routings, by what is in them: the same routing is the same snapshot. Restoring one is one commit of a new generation.

import { BrokeError } from "#src/core/errors.ts";
import type { Clock } from "#src/core/clock.ts";
import { canonicalJson, type Json, parseJson } from "#src/core/json.ts";
import { readRouting, type Routing } from "#src/routing/generation.ts";
import type { Db } from "./database.ts";

export type Snapshot = { hash: string; name: string | null; createdMs: number };

export type SnapshotStore = {
  /** Saves a routing; `fresh` false: it was saved already, and has the name now if one is given. Throws `usage` where it has another name. */
  save(routing: Routing, name: string | null): Snapshot & { fresh: boolean };
  /** The newest first. */
  list(): Snapshot[];
  /** By its place in the list, its name, or the beginning of its hash. Throws `missing`, and `usage` where it is not clear which. */
  find(word: string): Snapshot & { routing: Routing };
};

/** Without a name, the oldest beyond these go. */
const KEPT = 100;
const MIN_HASH = 4;

type Row = { hash: string; name: string | null; created_ms: number };
const snapshotOf = ({ hash, name, created_ms: createdMs }: Row): Snapshot => ({ hash, name, createdMs });

const hashJson = (stored: Json) => new Bun.CryptoHasher("sha256").update(canonicalJson(stored)).digest("hex");

/** A routing as it is stored: without the number of its generation. */
const bare = ({ id: _, ...routing }: Routing & { id?: number }) => JSON.stringify(routing);

/** The hash of a routing: SHA-256 of its canonical JSON. */
export function hashOf(routing: Routing): string {
  return hashJson(JSON.parse(bare(routing)) as Json);
}

/** Throws `usage` for a name that could be taken for something else. */
export function checkSnapshotName(name: string): void {
  if (!/^[A-Za-z][A-Za-z0-9._-]{0,63}$/.test(name) || /^[0-9a-f]{4,64}$/.test(name))
    throw new BrokeError("usage", "a snapshot's name begins with a letter and is not a hash");
}

/** The store in an open database. */
export function openSnapshots(db: Db, clock: Clock): SnapshotStore {
  const all = db.query<Row, []>("SELECT hash, name, created_ms FROM snapshots ORDER BY created_ms DESC, rowid DESC");
  const body = db.query<{ body: string }, [string]>("SELECT body FROM snapshots WHERE hash = ?");
  const unname = db.query("UPDATE snapshots SET name = NULL WHERE name = ?");
  const upsert = db.query(
    `INSERT INTO snapshots (hash, name, created_ms, body) VALUES (?, ?, ?, ?)
     ON CONFLICT (hash) DO UPDATE SET name = coalesce(excluded.name, name)`,
  );
  const prune = db.query(
    `DELETE FROM snapshots WHERE name IS NULL AND hash NOT IN
     (SELECT hash FROM snapshots ORDER BY created_ms DESC, rowid DESC LIMIT ${KEPT})`,
  );
  const list = () => all.all().map(snapshotOf);
  return {
    list,
    save: (routing, name) =>
      db
        .transaction(() => {
          const hash = hashOf(routing);
          const known = list().find((snapshot) => snapshot.hash === hash);
          const fresh = known === undefined;
          // Its first name goes on being good: somebody means to come back by it.
          if (name !== null && (known?.name ?? name) !== name)
            throw new BrokeError(
              "usage",
              `this routing is saved already, as ${known!.name}`,
              `\`broke snapshot restore ${known!.name}\` brings it back`,
            );
          if (name !== null) unname.run(name);
          upsert.run(hash, name, clock(), bare(routing));
          prune.run();
          return { ...list().find((snapshot) => snapshot.hash === hash)!, fresh };
        })
        .immediate(),
    find(word) {
      const known = list();
      const named =
        known.find(({ name }) => name === word) ?? (/^\d{1,3}$/.test(word) ? known[Number(word)] : undefined);
      const alike = word.length < MIN_HASH ? [] : known.filter(({ hash }) => hash.startsWith(word));
      const found = named ?? alike[0];
      if (found === undefined) throw new BrokeError("missing", "no such snapshot", "`broke snapshot list` shows them");
      if (named === undefined && alike.length > 1)
        throw new BrokeError("usage", "more than one snapshot begins like this", "give more of its hash");
      const stored = parseJson(body.get(found.hash)?.body ?? "");
      const routing = readRouting(stored);
      if (stored === undefined || routing === undefined || hashJson(stored) !== found.hash)
        throw new BrokeError("config", `snapshot ${found.hash.slice(0, 12)} is damaged`, "restore another one");
      return { ...found, routing };
    },
  };
}
