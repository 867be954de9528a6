// Permissions of what lies in BROKE_HOME: for nobody but its owner. What is not is made so, and said; what cannot be ours is refused.
// Does not stop: whoever read it before it was repaired.

import { closeSync, constants, fchmodSync, fstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";

const OTHERS = 0o077;

/** Makes one file or folder private, by descriptor. Returns whether it had to. Throws `config` when it is a link, or somebody else's. */
function makePrivate(path: string): boolean {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return false;
    // A socket cannot be opened; it lies in a folder that can.
    if (code === "ENXIO") return false;
    throw new BrokeError(
      "config",
      `${path} cannot be opened`,
      "make it a plain file or folder that you own, or move it away",
    );
  }
  try {
    const { uid, mode } = fstatSync(fd);
    if (uid !== process.getuid!()) {
      throw new BrokeError(
        "config",
        `${path} belongs to somebody else`,
        "move it away, or set BROKE_HOME to another folder",
      );
    }
    if ((mode & OTHERS) === 0) return false;
    fchmodSync(fd, mode & 0o700);
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
