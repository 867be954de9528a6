// Whether the operator has frozen what is stored: then no command changes it, whichever way it comes. Every store asks before it writes.
// Does not stop: an edit of the files by hand; and what is said in `exceptions`.

import { BrokeError } from "#src/core/errors.ts";
import type { Db } from "./database.ts";

/** What goes on while it is frozen. */
export const exceptions: readonly string[] = [
  "`broke freeze off`",
  "revoking a token",
  "saving a snapshot",
  "what answers teach about keys and backends, and the log of requests",
  "runs, their ledgers, and what is decided about them",
];

const NAME = "freeze";

/** Whether it is. */
export function isFrozen(db: Db): boolean {
  return db.query("SELECT 1 FROM settings WHERE name = ?").get(NAME) !== null;
}

/** Freezes or thaws; whether that changed anything. */
export function setFrozen(db: Db, on: boolean): boolean {
  if (!on) return db.query("DELETE FROM settings WHERE name = ?").run(NAME).changes > 0;
  return db.query("INSERT INTO settings (name, value) VALUES (?, 'on') ON CONFLICT DO NOTHING").run(NAME).changes > 0;
}

/** Throws `denied` while it is; to be called in the transaction that writes. */
export function requireThawed(db: Db): void {
  if (isFrozen(db)) throw new BrokeError("denied", "the settings are frozen", "`broke freeze off` lets them change");
}
