// Verdicts that were given on typed evidence, by a hash of everything that decided them. The oldest go.

import type { Clock } from "#src/core/clock.ts";
import type { Db } from "./database.ts";

const MOST = 1000;

export type VerdictStore = { get(key: string): string | undefined; put(key: string, body: string): void };

/** The store on an open database. */
export function openVerdicts(db: Db, clock: Clock): VerdictStore {
  const select = db.query<{ body: string }, [string]>("SELECT body FROM verdicts WHERE key = ?");
  const upsert = db.query(
    "INSERT INTO verdicts (key, body, created_ms) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET body = excluded.body, created_ms = excluded.created_ms",
  );
  const prune = db.query(
    "DELETE FROM verdicts WHERE key NOT IN (SELECT key FROM verdicts ORDER BY created_ms DESC, key LIMIT ?)",
  );
  return {
    get: (key) => select.get(key)?.body,
    put(key, body) {
      upsert.run(key, body, clock());
      prune.run(MOST);
    },
  };
}
