// Stored generations: routing as it was, edit by edit. A reader takes the newest; an editor reads, changes and commits in one transaction,
// so two edits at once both happen.
// A stored generation that does not fit its schema is an error, never an empty configuration.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import type { Clock } from "#src/core/clock.ts";
import { parseJson } from "#src/core/json.ts";
import { reservedName } from "#src/core/reserved.ts";
import { emptyRouting, type Generation, readRouting, type Routing, routingSchema } from "#src/routing/generation.ts";
import { type Db, foreignChanges } from "./database.ts";
import { requireThawed } from "./freeze.ts";

export type GenerationStore = {
  /** The newest generation, frozen; generation 0 when nothing was ever set. The same object until somebody commits. */
  current(): Generation;
  /** Applies a pure change and commits it; returns the new generation. A change that throws commits nothing; while frozen nothing is. */
  commit(reason: string, change: (routing: Routing) => Routing): Generation;
};

type Row = { id: number; body: string };

function parseRow(row: Row): Generation {
  const routing = readRouting(parseJson(row.body));
  if (routing === undefined) {
    throw new BrokeError(
      "config",
      `generation ${row.id} in broke.db is damaged`,
      "move broke.db away and set the routing anew",
    );
  }
  return deepFreeze({ ...routing, id: row.id });
}

function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === "object" && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) deepFreeze(item);
  }
  return value;
}

/** The store on an open database. */
export function openGenerations(db: Db, clock: Clock): GenerationStore {
  const newest = db.query<{ id: number; created_ms: number }, []>(
    "SELECT id, created_ms FROM generations ORDER BY id DESC LIMIT 1",
  );
  const select = db.query<Row, [number]>("SELECT id, body FROM generations WHERE id = ?");
  const insert = db.query("INSERT INTO generations (created_ms, reason, body) VALUES (?, ?, ?)");
  let cached: Generation = deepFreeze({ ...emptyRouting, id: 0 });
  let createdMs = 0;
  const read = () => {
    const { id, created_ms } = newest.get() ?? { id: 0, created_ms: 0 };
    if (id === 0 && cached.id !== 0) cached = deepFreeze({ ...emptyRouting, id: 0 });
    // The same number may mean another one where the state is shared and was put back.
    if (id !== 0 && (id !== cached.id || created_ms !== createdMs)) {
      const row = select.get(id);
      if (row === null)
        throw new BrokeError("config", "broke.db lost a generation", "move broke.db away and set the routing anew");
      cached = parseRow(row);
      createdMs = created_ms;
    }
    return cached;
  };
  let seen = -1;
  const current = () => {
    const now = foreignChanges(db);
    if (now === seen) return cached;
    const generation = read();
    seen = now;
    return generation;
  };
  return {
    current,
    commit: (reason, change) =>
      db
        .transaction(() => {
          requireThawed(db);
          const { id: _, ...routing } = read();
          const changed = change(routing);
          const reserved = reservedName(changed);
          if (reserved !== undefined) throw new BrokeError("usage", `nothing can be called ${reserved}`);
          const next = v.parse(routingSchema, changed);
          insert.run(clock(), reason, JSON.stringify(next));
          seen = -1;
          return read();
        })
        .immediate(),
  };
}
