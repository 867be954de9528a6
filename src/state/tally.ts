// What one profile has used, as it stands inside one transaction: read once, changed in memory, written once, however many requests come and go in
// between. The last minute's sums are kept beside its moments, so that a request costs the same however many came before it.
// Must never outlive its transaction.

import type { Db } from "./database.ts";

/** Requests and tokens. */
export type Sums = { requests: number; tokens: number };

/** When, the day in UTC, and the process that counts. */
export type Scene = { nowMs: number; day: number; self: string };

export type Tally = {
  /** Of the last minute. */
  readonly sums: Readonly<Sums>;
  /** How many processes hold something. */
  owners(): number;
  /** Requests that are open, here and elsewhere. */
  openCount(): number;
  /** US dollars of the day: paid, and reserved by what is open. */
  usd(): number;
  open(usd: number): void;
  close(usd: number): void;
  /** Counts at a moment. */
  add(atMs: number, more: Sums): void;
  /** Corrects what was counted at a moment; what has left the minute, or was moved by a clock set back, stays as it is. */
  correct(atMs: number, by: Sums): void;
  pay(usd: number): void;
  /** Frees what dead processes held; it counts as paid. */
  reap(isAlive: (owner: string) => boolean): void;
  /** Milliseconds until so much has left the minute that there is room; null: there never is. */
  roomIn(isRoom: (left: Sums) => boolean): number | null;
  save(): void;
};

export type Tallies = { read(subject: string, scene: Scene): Tally; spentOn(subject: string, day: number): number };

type Open = { count: number; usd: number };
type Row = { requests: number; tokens: number; newest_ms: number; day: number; usd: number; open: string };
type Moment = { at_ms: number } & Sums;

export const WINDOW_MS = 60_000;

function statements(db: Db) {
  const takeOut = (which: "<=" | ">") =>
    db.query<Sums, [string, number]>(
      `DELETE FROM windows WHERE subject = ? AND at_ms ${which} ? RETURNING requests, tokens`,
    );
  return {
    row: db.query<Row, [string]>("SELECT requests, tokens, newest_ms, day, usd, open FROM used WHERE subject = ?"),
    save: db.query(
      "REPLACE INTO used (subject, requests, tokens, newest_ms, day, usd, open) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ),
    takeOlder: takeOut("<="),
    takeNewer: takeOut(">"),
    moments: db.query<Moment, [string]>("SELECT at_ms, requests, tokens FROM windows WHERE subject = ? ORDER BY at_ms"),
    add: db.query(
      `INSERT INTO windows (subject, at_ms, requests, tokens) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, tokens = tokens + excluded.tokens`,
    ),
    correct: db.query(
      "UPDATE windows SET requests = requests + ?3, tokens = tokens + ?4 WHERE subject = ?1 AND at_ms = ?2",
    ),
  };
}

class StoredTally implements Tally {
  readonly sums: Sums;
  readonly #sql: ReturnType<typeof statements>;
  readonly #subject: string;
  readonly #scene: Scene;
  readonly #added = new Map<number, Sums>();
  readonly #opens: Map<string, Open>;
  readonly #own: Open;
  #newestMs: number;
  #paid: number;

  constructor(sql: ReturnType<typeof statements>, subject: string, scene: Scene) {
    [this.#sql, this.#subject, this.#scene] = [sql, subject, scene];
    const { nowMs, day, self } = scene;
    const row = sql.row.get(subject);
    this.sums = { requests: row?.requests ?? 0, tokens: row?.tokens ?? 0 };
    this.#opens = new Map(Object.entries(JSON.parse(row?.open ?? "{}") as Record<string, Open>));
    this.#own = this.#opens.get(self) ?? { count: 0, usd: 0 };
    this.#newestMs = Math.min(row?.newest_ms ?? 0, nowMs);
    // Of a day that is still to come, by a clock that was set back, stays used today.
    this.#paid = row !== null && row.day >= day ? row.usd : 0;
    if (row === null) return;
    if (row.newest_ms > nowMs) for (const moved of sql.takeNewer.all(subject, nowMs)) this.#note(nowMs, moved);
    for (const left of sql.takeOlder.all(subject, nowMs - WINDOW_MS)) this.#change(left, -1);
  }

  owners(): number {
    return this.#opens.size;
  }

  openCount(): number {
    let count = this.#own.count;
    for (const [owner, other] of this.#opens) if (owner !== this.#scene.self) count += other.count;
    return count;
  }

  usd(): number {
    let usd = this.#paid + this.#own.usd;
    for (const [owner, other] of this.#opens) if (owner !== this.#scene.self) usd += other.usd;
    return usd;
  }

  open(usd: number): void {
    this.#own.count += 1;
    this.#own.usd += usd;
  }

  close(usd: number): void {
    this.#own.count -= 1;
    this.#own.usd -= usd;
  }

  add(atMs: number, more: Sums): void {
    const at = Math.min(atMs, this.#scene.nowMs);
    if (at <= this.#scene.nowMs - WINDOW_MS) return;
    this.#note(at, more);
    this.#change(more, 1);
    this.#newestMs = Math.max(this.#newestMs, at);
  }

  correct(atMs: number, by: Sums): void {
    if (this.#added.has(atMs)) this.#note(atMs, by);
    else if (this.#sql.correct.run(this.#subject, atMs, by.requests, by.tokens).changes === 0) return;
    this.#change(by, 1);
  }

  pay(usd: number): void {
    this.#paid += usd;
  }

  reap(isAlive: (owner: string) => boolean): void {
    for (const [owner, { usd }] of this.#opens) {
      if (isAlive(owner)) continue;
      this.#opens.delete(owner);
      this.#paid += usd;
    }
  }

  roomIn(isRoom: (left: Sums) => boolean): number | null {
    this.#write();
    const left = { ...this.sums };
    for (const { at_ms: at, requests, tokens } of this.#sql.moments.iterate(this.#subject)) {
      left.requests -= requests;
      left.tokens -= tokens;
      if (isRoom(left)) return at + WINDOW_MS - this.#scene.nowMs;
    }
    return null;
  }

  save(): void {
    const { self, day } = this.#scene;
    this.#write();
    if (this.#own.count > 0) this.#opens.set(self, this.#own);
    else this.#opens.delete(self);
    const open = this.#opens.size === 0 ? "{}" : JSON.stringify(Object.fromEntries(this.#opens));
    this.#sql.save.run(this.#subject, this.sums.requests, this.sums.tokens, this.#newestMs, day, this.#paid, open);
  }

  #write(): void {
    for (const [at, { requests, tokens }] of this.#added) this.#sql.add.run(this.#subject, at, requests, tokens);
    this.#added.clear();
  }

  #note(at: number, { requests, tokens }: Sums): void {
    const known = this.#added.get(at);
    if (known === undefined) return void this.#added.set(at, { requests, tokens });
    known.requests += requests;
    known.tokens += tokens;
  }

  #change({ requests, tokens }: Sums, sign: 1 | -1): void {
    this.sums.requests += sign * requests;
    this.sums.tokens += sign * tokens;
  }
}

/** Prepares the statements once. */
export function openTallies(db: Db): Tallies {
  const sql = statements(db);
  return {
    read: (subject, scene) => new StoredTally(sql, subject, scene),
    spentOn(subject, day) {
      const row = sql.row.get(subject);
      return row !== null && row.day >= day ? row.usd : 0;
    },
  };
}
