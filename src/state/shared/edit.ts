// Pulling what is shared into the local copy, and editing it: an edit is tried on the copy, offered to Redis under the version it was made from, and
// committed here once it was taken there; where another was faster it is made anew from theirs. So none is lost, and none is made from what was stale.

import { newSecret } from "#src/core/ids.ts";
import { type Clock, systemClock } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import { type Db, openDatabase } from "../database.ts";
import type { Home } from "../paths.ts";
import { changesOf, type Mark, readBook, readMark, readRemote, type Remote, writeBook, writeMark } from "./book.ts";
import { READ, WRITE } from "./scripts.ts";
import { lost, openSession, type Session } from "./session.ts";
import type { SharedTarget } from "./target.ts";

const MOST_ROUNDS = 200;
const SETTLING_MS = 100;

const wordOf = (said: unknown) => (Array.isArray(said) ? String(said[0]) : "");

/** Whether the copy is the newest that anybody knows: Redis came back with less than it had. */
const isBehind = (remote: Remote, mark: Mark | undefined) => mark !== undefined && mark.version > remote.version;

/** Puts the whole copy where there is nothing, or something older. */
async function putBook(db: Db, session: Session, mark: Mark | undefined): Promise<void> {
  const { generation, frozen, tokens, health } = readBook(db);
  const whole = {
    ...{
      whole: true,
      back: mark !== undefined,
      lineage: mark?.lineage ?? newSecret("lineage"),
      version: mark?.version ?? 1,
      frozen,
    },
    ...(generation === null ? {} : { generation }),
    ...{ tokens: Object.fromEntries(tokens), health: Object.fromEntries(health) },
  };
  await session.run(WRITE, 0, JSON.stringify(whole));
}

/** Makes the copy what is shared. Rejects with `missing` when it cannot be reached. */
export async function pull(db: Db, session: Session, target: SharedTarget, clock: Clock = systemClock): Promise<Mark> {
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const said = await session.run(READ);
    if (wordOf(said) === "late") continue;
    const remote = readRemote(said);
    const mark = readMark(db, target.name);
    if (remote === undefined || isBehind(remote, mark)) {
      await putBook(db, session, mark);
      continue;
    }
    if (mark?.lineage === remote.lineage && mark.version === remote.version && round > 0) return mark;
    const fits = db
      .transaction(() => {
        // Another process of this home may have been faster, with something newer.
        const now = readMark(db, target.name);
        if (now !== undefined && now.version > remote.version && now.version !== mark?.version) return false;
        writeBook(db, remote, target.name, clock);
        return true;
      })
      .immediate();
    if (fits) return readMark(db, target.name)!;
  }
  throw lost(target);
}

/** Makes the local copy current, once. Rejects with `missing`. */
export async function refreshShared(home: Home, target: SharedTarget): Promise<void> {
  using session = await openSession(target);
  using db = openDatabase(home);
  await pull(db, session, target);
}

/** Whether it answers now, and which version it holds. */
export async function probeShared(target: SharedTarget): Promise<{ reachable: boolean; version: number | null }> {
  try {
    using session = await openSession(target);
    return { reachable: true, version: readRemote(await session.run(READ))?.version ?? 0 };
  } catch (error) {
    if (!(error instanceof BrokeError) || error.kind !== "missing") throw error;
    return { reachable: false, version: null };
  }
}

/** One edit: `work` changes an open database as any command does. Rejects with `missing`, and with what `work` throws; then nothing was changed. */
export async function editShared<Value>(home: Home, target: SharedTarget, work: (db: Db) => Value): Promise<Value> {
  using session = await openSession(target);
  using db = openDatabase(home);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const { lineage, version } = await pull(db, session, target);
    db.run("BEGIN IMMEDIATE");
    let taken = false;
    let settling = false;
    try {
      if (readMark(db, target.name)?.version !== version) continue;
      const before = readBook(db);
      const value = work(db);
      const changes = changesOf(before, readBook(db));
      if (changes !== undefined) {
        const change = { ...changes, lineage, version: version + 1 };
        const word = wordOf(await session.run(WRITE, version, JSON.stringify(change)));
        settling = word === "settling";
        if (word !== "done") continue;
        writeMark(db, { target: target.name, lineage, version: version + 1 });
      }
      db.run("COMMIT");
      taken = true;
      return value;
    } finally {
      if (!taken) db.run("ROLLBACK");
      if (settling) await Bun.sleep(SETTLING_MS);
    }
  }
  throw new BrokeError("busy", "too many edits at once", "try again");
}
