// What the gateways of this home counted in the last minute, written behind the answers: should one be killed and Redis come back empty, the next one
// tells it in its place.
// Does not stop: the very last moments of a killed gateway from being lost with it.

import { type Db, isPassing } from "../database.ts";

/** One request: what Redis was told of it, or would be. Times by its clock; `more`: what was used beyond what was reserved, and when. */
export type Entry = {
  s: string;
  id: string;
  at: number;
  n: number;
  usd: number;
  open: boolean;
  more: number;
  moreAt: number;
};

type Row = {
  id: string;
  subject: string;
  at_ms: number;
  tokens: number;
  usd: number;
  more: number;
  more_ms: number;
};

export type Counted = {
  /** Of everybody here since then; whoever held them holds them no longer. */
  since(atMs: number): Entry[];
  keep(entry: Entry): void;
  drop(id: string): void;
  forget(beforeMs: number): void;
  flush(): void;
};

/** In a database that may lose its last moments. */
export function openCounted(db: Db): Counted {
  const all = db.query<Row, [number]>("SELECT * FROM counted WHERE max(at_ms, more_ms) > ?");
  const upsert = db.query(
    "INSERT OR REPLACE INTO counted (id, subject, at_ms, tokens, usd, more, more_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const remove = db.query("DELETE FROM counted WHERE id = ?");
  const old = db.query("DELETE FROM counted WHERE max(at_ms, more_ms) <= ?");
  /** Null: to be removed. */
  const waiting = new Map<string, Entry | null>();
  let timer: ReturnType<typeof setImmediate> | undefined;
  const write = db.transaction((rows: readonly [string, Entry | null][]) => {
    for (const [id, entry] of rows) {
      if (entry === null) remove.run(id);
      else upsert.run(id, entry.s, entry.at, entry.n, entry.usd, entry.more, entry.moreAt);
    }
  });
  const flush = () => {
    clearImmediate(timer);
    timer = undefined;
    const rows = [...waiting];
    waiting.clear();
    if (rows.length === 0) return;
    try {
      write.immediate(rows);
    } catch (error) {
      if (!isPassing(error)) throw error;
      for (const [id, entry] of rows) if (!waiting.has(id)) waiting.set(id, entry);
    }
  };
  const later = (id: string, entry: Entry | null) => {
    waiting.set(id, entry);
    timer ??= setImmediate(flush);
  };
  return {
    since: (atMs) =>
      all.all(atMs).map(({ id, subject, at_ms, tokens, usd, more, more_ms }) => ({
        ...{ s: subject, id, at: at_ms, n: tokens, usd, open: false, more, moreAt: more_ms },
      })),
    keep: (entry) => later(entry.id, entry),
    drop: (id) => later(id, null),
    forget: (beforeMs) => void old.run(beforeMs),
    flush,
  };
}
