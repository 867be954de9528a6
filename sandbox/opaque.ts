// Whether a folder of an overlay's upper layer hides what lies below it: the kernel says so in an extended attribute, `trusted.overlay.opaque`, or
// `user.overlay.opaque` where it was mounted by a plain user (Documentation/filesystems/overlayfs.rst).

import { hostArch } from "./host.ts";
import * as libc from "./libc.ts";
import { syscallNumber } from "./syscalls.ts";

const NAMES = ["trusted.overlay.opaque", "user.overlay.opaque"].map((name) => libc.cString(name));
/** "y" as a byte. */
const YES = 0x79;

/** Reads the attribute; false where there is none. */
export function isOpaque(folder: Buffer): boolean {
  const path = libc.cString(folder);
  return NAMES.some((name) => {
    const value = new Uint8Array(8);
    try {
      const number = syscallNumber(hostArch(), "lgetxattr");
      const [at, called, into] = [path, name, value].map((bytes) => libc.addressOf(bytes)) as [number, number, number];
      return libc.systemCall(number, at, called, into, value.length) === 1 && value[0] === YES;
    } catch (error) {
      if (error instanceof libc.LibcError) return false;
      throw error;
    }
  });
}
