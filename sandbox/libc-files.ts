// Files by libc alone, for the processes of a launch: loading node:fs would take each of them 5 ms.
// Does not stop: a file of no end from being read without one; it is for what the kernel or the supervisor wrote.

import { dlopen, ptr } from "bun:ffi";
import { check, closeFd, cString, openFd } from "./libc.ts";

const lib = dlopen("libc.so.6", {
  read: { args: ["i32", "ptr", "u64"], returns: "i64" },
  write: { args: ["i32", "ptr", "u64"], returns: "i64" },
  statx: { args: ["i32", "ptr", "i32", "u32", "ptr"], returns: "i32" },
  access: { args: ["ptr", "i32"], returns: "i32" },
}).symbols;

const PIECE_BYTES = 64 * 1024;

/** Writes all of a text, or fails. */
export function writeText(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) done += check("write", lib.write(fd, ptr(bytes, done), bytes.length - done));
}

/** read(2): how many bytes came; 0 at the end. */
export function readSome(fd: number, into: Uint8Array): number {
  return check("read", lib.read(fd, ptr(into), into.length));
}

/** Everything there is to read, as text. */
export function readText(fd: number): string {
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = Buffer.alloc(PIECE_BYTES);
    const bytes = readSome(fd, piece);
    if (bytes === 0) return Buffer.concat(pieces).toString("utf8");
    pieces.push(piece.subarray(0, bytes));
  }
}

/** A small file of the kernel's, as text. */
export function readKernelFile(path: string): string {
  const fd = openFd(path, 0);
  try {
    return readText(fd);
  } finally {
    closeFd(fd);
  }
}

const AT_FDCWD = -100;
const STATX_MODE = 3; // STATX_TYPE | STATX_MODE
const S_IFMT = 0o170000;
export const S_IFDIR = 0o040000;
export const S_IFREG = 0o100000;

/** What kind of file a path leads to, as in `st_mode`. struct statx is the same on every architecture: `stx_mode` at 28 (statx(2)). */
export function fileKind(path: string): number {
  const bytes = new Uint8Array(256);
  check("statx", lib.statx(AT_FDCWD, ptr(cString(path)), 0, STATX_MODE, ptr(bytes)));
  return new DataView(bytes.buffer).getUint16(28, true) & S_IFMT;
}

const W_OK = 2;

/** Throws `LibcError` when a path cannot be written to (access(2)). */
export function requireWritable(path: string): void {
  check("access", lib.access(ptr(cString(path)), W_OK));
}
