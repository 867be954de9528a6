// Which project's `broke.toml` the operator has looked at: the hash of its very bytes, by the real path of the project's folder.
// Does not stop: a project moved to a path where another was trusted, unless its file differs.

import type { Db } from "./database.ts";
import { requireThawed } from "./freeze.ts";

export type TrustStore = {
  get(folder: string): string | undefined;
  set(folder: string, hash: string, nowMs: number): void;
  /** Whether there was something to forget. */
  forget(folder: string): boolean;
};

/** The records in an open database. */
export function openTrust(db: Db): TrustStore {
  const select = db.query<{ hash: string }, [string]>("SELECT hash FROM trust WHERE folder = ?");
  const upsert = db.query(
    `INSERT INTO trust (folder, hash, trusted_ms) VALUES (?, ?, ?)
     ON CONFLICT (folder) DO UPDATE SET hash = excluded.hash, trusted_ms = excluded.trusted_ms`,
  );
  const remove = db.query("DELETE FROM trust WHERE folder = ?");
  return {
    get: (folder) => select.get(folder)?.hash,
    set(folder, hash, nowMs) {
      requireThawed(db);
      upsert.run(folder, hash, nowMs);
    },
    forget(folder) {
      requireThawed(db);
      return remove.run(folder).changes > 0;
    },
  };
}
