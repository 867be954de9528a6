// Permissions of what lies in BROKE_HOME: for nobody but its owner. What is not is made so, and said; what cannot be ours is refused.
// Does not stop: whoever read it before it was repaired.

import { chmodSync, closeSync, constants, fstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";

const OTHERS = 0o077;
const PLAIN = "make it a plain file or folder that you own, or move it away";

/**
 * Not opened for reading: closing any descriptor of a file drops every lock this process has on it (fcntl(2)), SQLite's too, and then another process
 * would take the database for its own. A path descriptor holds and drops none.
 */
const O_PATH = 0o10000000;

/** Makes one file or folder private, by descriptor. Returns whether it had to. Throws `config` when it is a link, or somebody else's. */
function makePrivate(path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw new BrokeError("config", `${path} cannot be opened`, PLAIN);
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isSymbolicLink()) throw new BrokeError("config", `${path} cannot be opened`, PLAIN);
    if (stat.uid !== process.getuid!()) {
      throw new BrokeError(
        "config",
        `${path} belongs to somebody else`,
        "move it away, or set BROKE_HOME to another folder",
      );
    }
    // A socket lies in a folder that is private.
    if (stat.isSocket() || (stat.mode & OTHERS) === 0) return false;
    chmodSync(`/proc/self/fd/${fd}`, stat.mode & 0o700);
    return true;
  } finally {
    closeSync(fd);
  }
}

/** Makes the home and what lies directly in it private. Returns what had to be changed, relative to it. Throws `config`. */
export function repairPermissions(root: string): string[] {
  const repaired = makePrivate(root) ? ["."] : [];
  for (const name of readdirSync(root)) if (makePrivate(join(root, name))) repaired.push(name);
  return repaired;
}
