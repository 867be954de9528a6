// What a system refuses in the course of things, in our words: a database that is held or cannot be written, a full disk, a port that is taken. Pure.

import { BrokeError } from "./errors.ts";

const BUSY = /^SQLITE_(BUSY|LOCKED)/;
const UNWRITABLE = /^SQLITE_(READONLY|CANTOPEN|FULL|IOERR|PERM)/;
const NO_ROOM = /^E(NOSPC|DQUOT|ROFS)$/;
const REFUSED = /^E(NOSPC|DQUOT|ROFS|ACCES|PERM)$/;

/** The error a person is told of trouble with storage; undefined when it is none. `opening`: the database that was being opened. */
export function storageError(error: unknown, opening?: string): BrokeError | undefined {
  const database = opening ?? "broke.db";
  const code = String((error as { code?: unknown } | null | undefined)?.code);
  if (BUSY.test(code)) return new BrokeError("busy", `${database} is held by another process`, "try again");
  if (UNWRITABLE.test(code) || (opening !== undefined && REFUSED.test(code)))
    return new BrokeError(
      "missing",
      `${database} cannot be written to`,
      "BROKE_HOME must be a folder that you may write to, with room left",
    );
  if (NO_ROOM.test(code))
    return new BrokeError("missing", "a file cannot be written: no room is left there, or it is read-only");
  return undefined;
}

/** Of a port that somebody has. `given`: the address was chosen too, and may be none of this machine's. */
export function takenPort(port: number, address: string, given = false): BrokeError {
  return new BrokeError(
    "busy",
    `port ${port} on ${address} is taken${given ? ", or no address of this machine" : ""}`,
    "stop what holds it, or choose another with --port",
  );
}
