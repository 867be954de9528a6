// Reading and writing the small files that hold secrets: no symbolic link is followed, nobody else's file is believed, new ones are 0600
// and appear whole or not at all.
// Does not stop: another process of the same user.

import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { randomBytes } from "#src/core/ids.ts";

/** Text of a private file, or undefined when it does not exist. Repairs group and other permissions. Throws `config` when it is not a plain file of ours. */
export function readPrivate(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") return undefined;
    throw new BrokeError("config", `cannot read ${path}`, "make it a plain file that you own");
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.uid !== process.getuid!()) {
      throw new BrokeError("config", `${path} is not a plain file of yours`, "replace it by a file that you own");
    }
    if ((stat.mode & 0o077) !== 0) fchmodSync(fd, 0o600);
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

function writeTemporary(path: string, text: string): string {
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  const fd = openSync(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return temporary;
}

/** Replaces (or makes) a private file atomically. */
export function writePrivate(path: string, text: string): void {
  renameSync(writeTemporary(path, text), path);
}

/** Makes a private file unless it exists; of two writers at once one wins whole. Returns what the file holds afterwards. */
export function createPrivate(path: string, text: string): string {
  const existing = readPrivate(path);
  if (existing !== undefined) return existing;
  const temporary = writeTemporary(path, text);
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    unlinkSync(temporary);
  }
  return readPrivate(path) ?? text;
}
