// Opening what will be mounted: O_PATH descriptors reached without following any symbolic link (openat2, RESOLVE_NO_SYMLINKS), so that
// what was checked is what gets bound.
// Does not stop: a rename of the folder between the check of its content and the mount.

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { hostArch } from "./host.ts";
import * as libc from "./libc.ts";
import { syscallNumber } from "./syscalls.ts";

const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;
const ENOENT = 2;
const EACCES = 13;

// struct open_how: flags, mode, resolve, each 64 bits.
function openat2(dir: number, path: string | Uint8Array, flags: number, resolve: number): number {
  const how = new BigUint64Array([BigInt(flags), 0n, BigInt(resolve)]);
  const name = libc.cString(path);
  return libc.systemCall(syscallNumber(hostArch(), "openat2"), dir, libc.addressOf(name), libc.addressOf(how), 24);
}

// Without O_NOFOLLOW, which together with O_PATH would open a link at the end instead of refusing it (openat2(2)).
const FLAGS = O_PATH | O_CLOEXEC;
const FOLDER = FLAGS | constants.O_DIRECTORY;
const AT_FDCWD = -100;

function explained(path: string | Buffer, open: () => number): number {
  try {
    return open();
  } catch (error) {
    if (error instanceof libc.LibcError) {
      const what = { [ENOENT]: "is gone", [EACCES]: "is not for you to see" }[error.errno];
      const message = `${JSON.stringify(String(path))} ${what ?? "cannot be reached without a symbolic link"}`;
      throw Object.assign(new BrokeError("denied", message, "give the real path of the folder"), { cause: error });
    }
    throw error;
  }
}

/** Whether something was not reached because a folder on the way is closed to us: it may be there. */
export const isClosed = (error: unknown): boolean =>
  error instanceof BrokeError && error.cause instanceof libc.LibcError && error.cause.errno === EACCES;

/** The same, and it must be what it was when it was checked (`dev:ino`), where that is known. Throws `denied` when it is another one. */
export function openSame(beneath: string | undefined, path: string, id: string | undefined): number {
  const fd = openBeneath(beneath, path);
  const { dev, ino } = fstatSync(fd, { bigint: true });
  if (id === undefined || id === `${dev}:${ino}`) return fd;
  closeSync(fd);
  throw new BrokeError("denied", `${JSON.stringify(path)} is not what it was when it was checked`, "try again");
}

/** Throws `denied` when the path is not, or no longer, what was checked. */
export function checkSame(path: string, id: string): void {
  closeSync(openSame(undefined, path, id));
}

/** An O_PATH descriptor for a folder, no part of whose path is a symbolic link. Throws `denied`. */
export function openFolder(path: string): number {
  return explained(path, () => openat2(AT_FDCWD, path, FOLDER, RESOLVE_NO_SYMLINKS));
}

/** An O_PATH descriptor for what is below an opened folder; names may be bytes. Throws `denied` on a symbolic link. */
export function openAt(folder: number, path: string | Buffer): number {
  return explained(path, () => openat2(folder, path, FLAGS, RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH));
}

/** An O_PATH descriptor for `path` (names may be bytes), taken relative to the folder `beneath` when given. Throws `denied` on a symbolic link. */
export function openBeneath(beneath: string | undefined, path: string | Buffer): number {
  if (beneath === undefined) return explained(path, () => openat2(AT_FDCWD, path, FLAGS, RESOLVE_NO_SYMLINKS));
  const folder = explained(path, () => openat2(AT_FDCWD, beneath, FOLDER, RESOLVE_NO_SYMLINKS));
  try {
    return openAt(folder, path);
  } finally {
    closeSync(folder);
  }
}

/** A descriptor's name, by which what it refers to can be reached by calls that take a path. */
export const fdPath = (fd: number) => `/proc/self/fd/${fd}`;

/**
 * The content of a small regular file below a folder, reached without a link; undefined when it is not there, not one, or larger than
 * `limitBytes`. Nothing that was planted there can hold us up.
 */
export function readBeneath(beneath: string, path: string | Buffer, limitBytes: number): Buffer | undefined {
  let handle: number;
  try {
    handle = openBeneath(beneath, path);
  } catch (error) {
    if (error instanceof BrokeError) return undefined;
    throw error;
  }
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile() || stat.size > limitBytes) return undefined;
    const fd = openSync(fdPath(handle), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      // One byte more than it says it has: it may grow, or be of a kind that never says.
      const buffer = Buffer.alloc(Math.min(limitBytes, Math.max(stat.size, 4096)) + 1);
      let bytes = 0;
      for (let read = -1; read !== 0 && bytes < buffer.length; bytes += read)
        read = readSync(fd, buffer, bytes, buffer.length - bytes, null);
      return bytes === buffer.length ? undefined : buffer.subarray(0, bytes);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // not for us to read
  } finally {
    closeSync(handle);
  }
}
