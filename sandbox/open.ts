// Opening what will be mounted: O_PATH descriptors reached without following any symbolic link (openat2, RESOLVE_NO_SYMLINKS), so that
// what was checked is what gets bound.
// Does not stop: a rename of the folder between the check of its content and the mount.

import { closeSync, constants, fstatSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { hostArch } from "./host.ts";
import * as libc from "./libc.ts";
import { syscallNumber } from "./syscalls.ts";

const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;
const ENOENT = 2;

// struct open_how: flags, mode, resolve, each 64 bits.
function openat2(dir: number, path: string, flags: number, resolve: number): number {
  const how = new BigUint64Array([BigInt(flags), 0n, BigInt(resolve)]);
  const name = libc.cString(path);
  return libc.systemCall(syscallNumber(hostArch(), "openat2"), dir, libc.addressOf(name), libc.addressOf(how), 24);
}

/** An O_PATH descriptor for `path`, taken relative to the folder `beneath` when given. Throws `denied` on a symbolic link. */
export function openBeneath(beneath: string | undefined, path: string): number {
  // Without O_NOFOLLOW, which together with O_PATH would open a link at the end instead of refusing it (openat2(2)).
  const flags = O_PATH | O_CLOEXEC;
  const AT_FDCWD = -100;
  try {
    if (beneath === undefined) return openat2(AT_FDCWD, path, flags, RESOLVE_NO_SYMLINKS);
    const dir = openat2(AT_FDCWD, beneath, flags | constants.O_DIRECTORY, RESOLVE_NO_SYMLINKS);
    try {
      return openat2(dir, path, flags, RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH);
    } finally {
      libc.closeFd(dir);
    }
  } catch (error) {
    if (error instanceof libc.LibcError) {
      const what = error.errno === ENOENT ? "is gone" : "cannot be reached without a symbolic link";
      throw new BrokeError("denied", `${JSON.stringify(path)} ${what}`, "give the real path of the folder");
    }
    throw error;
  }
}

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
