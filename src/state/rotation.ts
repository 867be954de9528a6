// Whose turn it was, of keys and of models: in memory, written down behind the answers, so that `route` foretells what the gateway does and a restart
// goes on where it stopped. Nothing is read or written where no policy remembers anything. A crash may lose the last turns, never a limit; two gateways
// of one home see each other's turns a moment later, so between them a turn may be taken twice. What others changed is read by itself, never the whole table
// again: it may hold thousands of sessions, and others write all the time.

import type { Attempt } from "#src/routing/candidates.ts";
import { remembered, type Rotation, type Turn } from "#src/routing/rotation.ts";
import { type Db, foreignChanges, isPassing } from "./database.ts";

/** Of an attempt, whose turns it takes. */
type Taken = Pick<Attempt, "turns">;

export type RotationStore = Rotation & {
  /** An attempt begins. `before` is the one made before it for the same request: a model's turn goes on with its next key. */
  begun(attempt: Taken, before?: Taken): void;
  /** It answered. */
  worked(attempt: Taken, session: string | null): void;
  /** Writes down what is not yet. */
  flush(): void;
};

type Kind = "last" | "position" | "used" | "choice";
type Row = { kind: Kind; pool: string; member: string; value: string };

/** Sessions remembered, over all pools. */
const MOST_CHOICES = 10_000;
/** When what could not be written is tried again: another process held the database, or the disk was full. */
const AGAIN_MS = 200;

const keyOf = (kind: Kind, pool: string, member: string) => `${kind}\n${pool}\n${member}`;

/** The store on an open database; `told` is told of what was written down, by name. */
export function openRotation(db: Db, told?: (turns: ReadonlyMap<string, string>) => void): RotationStore {
  const selectNew = db.query<Row & { at: number }, [number]>(
    "SELECT kind, pool, member, value, at FROM rotation WHERE at > ? ORDER BY at",
  );
  const upsert = db.query(
    `INSERT INTO rotation (kind, pool, member, value, at) VALUES (?1, ?2, ?3, ?4, 1 + coalesce((SELECT max(at) FROM rotation), 0))
     ON CONFLICT (kind, pool, member) DO UPDATE SET value = excluded.value, at = excluded.at`,
  );
  const prune = db.query(
    `DELETE FROM rotation WHERE kind = 'choice' AND at <=
       (SELECT at FROM rotation WHERE kind = 'choice' ORDER BY at DESC LIMIT 1 OFFSET ?)`,
  );
  const values = new Map<string, string>();
  /** Of sessions, the one set last at the end; the others have only as many values as there are pools and members. */
  const choices = new Map<string, string>();
  const unwritten = new Map<string, Row>();
  let seen = -1;
  /** Up to where the table was read: what is written gets the next number. */
  let read = 0;
  let tick = 0;
  let timer: ReturnType<typeof setImmediate> | undefined;
  let again: ReturnType<typeof setTimeout> | undefined;

  const keep = (kind: Kind, key: string, value: string) => {
    if (kind !== "choice") return void values.set(key, value);
    choices.delete(key);
    choices.set(key, value);
    if (choices.size <= MOST_CHOICES) return;
    const oldest = choices.keys().next().value!;
    choices.delete(oldest);
    unwritten.delete(oldest);
  };
  const fresh = () => {
    const now = foreignChanges(db);
    if (now === seen) return;
    for (const { kind, pool, member, value, at } of selectNew.all(read)) {
      const key = keyOf(kind, pool, member);
      if (!unwritten.has(key)) keep(kind, key, value);
      if (kind === "used") tick = Math.max(tick, Number(value));
      read = at;
    }
    seen = now;
  };
  const get = (kind: Kind, pool: string, member = ""): string | undefined => {
    fresh();
    return (kind === "choice" ? choices : values).get(keyOf(kind, pool, member));
  };
  const write = db.transaction((rows: readonly Row[]) => {
    for (const { kind, pool, member, value } of rows) upsert.run(kind, pool, member, value);
    if (rows.some(({ kind }) => kind === "choice")) prune.run(MOST_CHOICES);
  });
  const flush = () => {
    clearImmediate(timer);
    clearTimeout(again);
    timer = again = undefined;
    if (unwritten.size === 0) return;
    const rows = [...unwritten.values()];
    // Losing the last turns with the machine's power costs nothing; waiting for its disk would cost every request.
    db.run("PRAGMA synchronous = NORMAL");
    try {
      write.immediate(rows);
    } catch (error) {
      if (!isPassing(error)) throw error;
      again = setTimeout(flush, AGAIN_MS);
      return;
    } finally {
      db.run("PRAGMA synchronous = FULL");
    }
    unwritten.clear();
    told?.(new Map(rows.map(({ kind, pool, member, value }) => [keyOf(kind, pool, member), value])));
  };
  const set = (kind: Kind, pool: string, member: string, value: string) => {
    if (get(kind, pool, member) === value) return;
    const key = keyOf(kind, pool, member);
    keep(kind, key, value);
    unwritten.set(key, { kind, pool, member, value });
    if (again === undefined) timer ??= setImmediate(flush);
  };
  const begin = ({ pool, member }: Turn) => {
    const { name, policy, sequence } = pool;
    if (policy.mode === "round_robin") set("last", name, "", member);
    else if (policy.mode === "least_recently_used") set("used", name, member, String(++tick));
    else if (policy.mode === "weighted" && sequence.length > 0) {
      const position = Number(get("position", name) ?? 0);
      const steps = sequence.findIndex((_, step) => sequence[(position + step) % sequence.length] === member);
      if (steps >= 0) set("position", name, "", String(position + steps + 1));
    }
  };
  const work = ({ pool, member }: Turn, session: string | null) => {
    if (pool.policy.mode === "rotate_on_rate_limit") set("last", pool.name, "", member);
    else if (session !== null) set("choice", pool.name, session, member);
  };

  return {
    last: (pool) => get("last", pool),
    position: (pool) => Number(get("position", pool) ?? 0),
    usedAt: (pool, member) => Number(get("used", pool, member) ?? 0),
    choice: (pool, session) => get("choice", pool, session),
    begun({ turns }, before) {
      if (turns === undefined) return;
      const { model, key } = turns;
      const again = model !== null && before?.turns?.model?.member === model.member;
      if (model !== null && !again && remembered[model.pool.policy.mode].begun) begin(model);
      if (key !== null && remembered[key.pool.policy.mode].begun) begin(key);
    },
    worked({ turns }, session) {
      for (const turn of [turns?.model, turns?.key]) {
        if (turn && remembered[turn.pool.policy.mode].worked) work(turn, session);
      }
    },
    flush,
  };
}
