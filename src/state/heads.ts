// How far each history that is kept in a file has come: the number and hash of its last record. A file cut short or written anew does not
// reach, or does not match, its head. Advancing is one immediate transaction, and so the lock that writers in all processes share.
// Does not stop: somebody who can write the database too.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import type { Db } from "./database.ts";

export type HeadName = "audit";
/** `seq` 0: nothing was written yet. */
export type StoredHead = { seq: number; hash: string };

export type HeadStore = {
  /** Calls `look` while no process can advance a head. */
  hold(name: HeadName, look: (head: StoredHead) => void): void;
  /** Calls `step` while no other process can, and stores what it returns; nothing when it throws. */
  advance(name: HeadName, step: (head: StoredHead) => StoredHead): void;
};

const headSchema = v.object({ seq: v.pipe(v.number(), v.integer(), v.minValue(1)), hash: v.string() });

/** The heads in an open database. */
export function openHeads(db: Db): HeadStore {
  const select = db.query("SELECT seq, hash FROM heads WHERE name = ?");
  const upsert = db.query(
    "INSERT INTO heads (name, seq, hash) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
  );
  const get = (name: HeadName): StoredHead => {
    const row = select.get(name);
    if (row === null) return { seq: 0, hash: "" };
    const parsed = v.safeParse(headSchema, row);
    if (!parsed.success) throw new BrokeError("config", "a head in broke.db is damaged", "move broke.db away");
    return parsed.output;
  };
  const advance = db.transaction((name: HeadName, step: (head: StoredHead) => StoredHead) => {
    const { seq, hash } = step(get(name));
    upsert.run(name, seq, hash);
  });
  const hold = db.transaction((name: HeadName, look: (head: StoredHead) => void) => look(get(name)));
  return {
    hold: (name, look) => void hold.immediate(name, look),
    advance: (name, step) => void advance.immediate(name, step),
  };
}
