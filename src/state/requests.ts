// The log of requests: what was asked of whom, what came of it and what it took; of every gateway of this home. Written behind the answers, many at a time;
// the oldest go, by age and by number. Never a body, a prompt, a key, a key's name or a token.
// Does not stop: a crash from losing the last moments.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import type { Clock } from "#src/core/clock.ts";
import { parseJson } from "#src/core/json.ts";
import { makeMemo } from "#src/core/memo.ts";
import { type Db, isPassing } from "./database.ts";

const triedSchema = v.array(
  v.object({ backend: v.string(), key: v.nullable(v.string()), status: v.number(), reason: v.nullable(v.string()) }),
);
const lossesSchema = v.array(v.string());
/** One attempt. `key` is a reference; `reason` null: it answered. */
export type TriedAttempt = v.InferOutput<typeof triedSchema>[number];

/**
 * `model` is what the backend was asked for, `answered` what it said it was; `losses`: kinds of what was not carried. Times in ms; `ttftMs` to the
 * first content.
 */
export type LoggedRequest = {
  id: string;
  atMs: number;
  run: string | null;
  profile: string | null;
  token: string | null;
  path: string;
  slot: string | null;
  backend: string | null;
  key: string | null;
  tried: TriedAttempt[];
  generation: number | null;
  status: number;
  aborted: boolean;
  ms: number;
  ttftMs: number | null;
  inputTokens: number | null;
  outputTokens: number | null;
  cacheReadTokens: number | null;
  cacheWriteTokens: number | null;
  costUsd: number | null;
  model: string | null;
  answered: string | null;
  losses: readonly string[];
};

export type RequestLog = {
  add(request: LoggedRequest): void;
  /** The last of them, the oldest first; only those after number `after`. */
  last(count: number, after?: number): (LoggedRequest & { seq: number })[];
  /** All since then, the oldest first. */
  since(atMs: number): LoggedRequest[];
  /** Writes down what is not yet. */
  flush(): void;
};

const BATCH_MS = 200;
/** So many are written at once: a few thousand would stop everything else for milliseconds. */
const BATCH_ROWS = 256;
const MOST_AGE_MS = 30 * 86_400_000;
export const MOST_ROWS = 100_000;
/** What waits while another process holds the database; beyond it the oldest are lost. */
const MOST_WAITING = 10_000;
const PRUNE_EVERY = 1_000;

const COLUMNS = [
  ...["id", "at_ms", "run", "profile", "token", "path", "slot", "backend", "key", "tried", "generation", "status"],
  ...["aborted", "ms", "ttft_ms", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"],
  ...["cost_usd", "model", "answered", "losses"],
];

type Row = {
  seq: number;
  id: string;
  at_ms: number;
  run: string | null;
  profile: string | null;
  token: string | null;
  path: string;
  slot: string | null;
  backend: string | null;
  key: string | null;
  tried: string;
  generation: number | null;
  status: number;
  aborted: number;
  ms: number;
  ttft_ms: number | null;
  input_tokens: number | null;
  output_tokens: number | null;
  cache_read_tokens: number | null;
  cache_write_tokens: number | null;
  cost_usd: number | null;
  model: string | null;
  answered: string | null;
  losses: string | null;
};

function toLogged(row: Row): LoggedRequest & { seq: number } {
  const tried = v.safeParse(triedSchema, parseJson(row.tried));
  const losses = v.safeParse(lossesSchema, row.losses === null ? [] : parseJson(row.losses));
  if (!tried.success || !losses.success)
    throw new BrokeError("config", "a request in broke.db is damaged", "move broke.db away");
  const { at_ms, ttft_ms, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, ...same } = row;
  return {
    ...same,
    ...{ atMs: at_ms, ttftMs: ttft_ms, inputTokens: input_tokens, outputTokens: output_tokens },
    ...{ cacheReadTokens: cache_read_tokens, cacheWriteTokens: cache_write_tokens, costUsd: cost_usd },
    tried: tried.output,
    losses: losses.output,
    aborted: row.aborted === 1,
  };
}

/** What one attempt that answered is written as, by backend and key: there are few, and nearly every row says one of them. */
const answeredTexts = makeMemo<string>(1_000);

function triedText(tried: readonly TriedAttempt[]): string {
  const [only] = tried;
  const write = () => JSON.stringify(tried);
  if (tried.length !== 1 || only!.status !== 200 || only!.reason !== null) return write();
  return answeredTexts(`${only!.key}\n${only!.backend}`, write);
}

/** The log in an open database. */
export function openRequests(db: Db, clock: Clock, mostRows = MOST_ROWS): RequestLog {
  const insert = db.query(`INSERT INTO requests (${COLUMNS.join(", ")}) VALUES (${COLUMNS.map(() => "?").join(", ")})`);
  const last = db.query<Row, [number, number]>("SELECT * FROM requests WHERE seq > ? ORDER BY seq DESC LIMIT ?");
  const since = db.query<Row, [number]>("SELECT * FROM requests WHERE at_ms >= ? ORDER BY seq");
  const old = db.query("DELETE FROM requests WHERE at_ms < ?");
  const many = db.query("DELETE FROM requests WHERE seq <= (SELECT max(seq) FROM requests) - ?");
  let waiting: LoggedRequest[] = [];
  let written = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const write = db.transaction((rows: readonly LoggedRequest[]) => {
    for (const row of rows) {
      // One by one: arrays to be spread would be made and thrown away for each row.
      insert.run(
        row.id,
        row.atMs,
        row.run,
        row.profile,
        row.token,
        row.path,
        row.slot,
        row.backend,
        row.key,
        triedText(row.tried),
        row.generation,
        row.status,
        row.aborted ? 1 : 0,
        row.ms,
        row.ttftMs,
        row.inputTokens,
        row.outputTokens,
        row.cacheReadTokens,
        row.cacheWriteTokens,
        row.costUsd,
        row.model,
        row.answered,
        row.losses.length === 0 ? null : JSON.stringify(row.losses),
      );
    }
    // With the first batch too: a run makes few requests, and many runs many.
    if (written === 0 || written % PRUNE_EVERY < rows.length) {
      old.run(clock() - MOST_AGE_MS);
      many.run(mostRows);
    }
  });
  /** Returns what is to be written later. One that can never be written keeps no other from it, and is told in `wrong`. */
  const put = (rows: LoggedRequest[], wrong: unknown[]): LoggedRequest[] => {
    try {
      write.immediate(rows);
      written += rows.length;
      return [];
    } catch (error) {
      if (isPassing(error)) return rows;
      if (rows.length === 1) {
        wrong.push(error);
        return [];
      }
      const half = rows.length >> 1;
      return [...put(rows.slice(0, half), wrong), ...put(rows.slice(half), wrong)];
    }
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    const rows = waiting;
    const wrong: unknown[] = [];
    waiting = [];
    db.run("PRAGMA synchronous = NORMAL");
    try {
      const later = put(rows, wrong);
      if (later.length > 0) {
        waiting = [...later, ...waiting].slice(-MOST_WAITING);
        timer = setTimeout(flush, BATCH_MS);
      }
    } finally {
      db.run("PRAGMA synchronous = FULL");
    }
    if (wrong.length > 0) throw wrong[0];
  };
  return {
    add(request) {
      waiting.push(request);
      if (waiting.length === BATCH_ROWS) setImmediate(flush);
      timer ??= setTimeout(flush, BATCH_MS);
    },
    last: (count, after = 0) => last.all(after, count).reverse().map(toLogged),
    since: (atMs) => since.all(atMs).map(toLogged),
    flush,
  };
}

/** The same log, of which somebody else is told too. */
export const tapRequests = (log: RequestLog, tell: (request: LoggedRequest) => void): RequestLog => ({
  ...log,
  add(request) {
    tell(request);
    log.add(request);
  },
});
