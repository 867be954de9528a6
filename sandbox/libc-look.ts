// The part of libc by which the observer looks at a process and at the file it would run: called for every exec, so buffers are made once, and
// node:fs, which costs as much again as the calls themselves, is not used.
// Does not stop: a caller keeping what it was given beyond the next call; the buffers are one each.

import { dlopen, ptr } from "bun:ffi";
import { errno, LibcError, POLLIN } from "./libc.ts";

const lib = dlopen("libc.so.6", {
  openat: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  readlinkat: { args: ["i32", "ptr", "ptr", "u64"], returns: "i64" },
  pread: { args: ["i32", "ptr", "u64", "i64"], returns: "i64" },
  statx: { args: ["i32", "ptr", "i32", "u32", "ptr"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  syscall: { args: ["i64", "i32", "ptr", "ptr", "u64"], returns: "i64" },
  process_vm_readv: { args: ["i32", "ptr", "u64", "ptr", "u64", "u64"], returns: "i64" },
}).symbols;

export const AT_FDCWD = -100;
const PATH_MAX = 4096;
/**
 * Memory that stays where it is. A typed array without an ArrayBuffer of its own may be moved by the compiler when its code gets hot (JSC,
 * slowDownAndWasteMemory), and an address that was taken before is then another array's.
 */
export const fixedBytes = (bytes: number): Buffer<ArrayBuffer> => Buffer.from(new ArrayBuffer(bytes));
const name = fixedBytes(4 * PATH_MAX);
const nameAt = ptr(name);
const found = fixedBytes(PATH_MAX);
const foundAt = ptr(found);

/** Puts the name into the one buffer for names, as libc wants it; false: it does not fit, or has a NUL. */
function setName(text: string): boolean {
  if (text.length * 3 >= name.length || text.includes("\0")) return false;
  name[name.write(text, "utf8")] = 0;
  return true;
}

/** openat(2). Throws `LibcError`. */
export function openAtFd(dir: number, path: string, flags: number): number {
  if (!setName(path)) throw new RangeError("not a path");
  const fd = lib.openat(dir, nameAt, flags, 0);
  if (fd === -1) throw new LibcError("openat", errno());
  return fd;
}

// struct open_how: flags, mode, resolve, each 64 bits.
const HOW_BYTES = 24;
const how = new BigUint64Array(fixedBytes(HOW_BYTES).buffer);
const howAt = ptr(how);

/** openat2(2), by its number on this architecture; what failed is the errno, negative, because a search along PATH fails often. */
export function openResolved(call: number, dir: number, path: string, flags: number, resolve: number): number {
  if (!setName(path)) throw new RangeError("not a path");
  how[0] = BigInt(flags);
  how[2] = BigInt(resolve);
  const fd = Number(lib.syscall(call, dir, nameAt, howAt, HOW_BYTES));
  return fd === -1 ? -errno() : fd;
}

/** Where a symbolic link leads; undefined: there is none, or none for us to read. */
export function linkAt(dir: number, path: string): string | undefined {
  if (!setName(path)) return undefined;
  const bytes = Number(lib.readlinkat(dir, nameAt, foundAt, PATH_MAX));
  return bytes < 0 ? undefined : found.toString("utf8", 0, bytes);
}

/** pread(2): how many bytes came; -1: none could be read. */
export function readAt(fd: number, into: Buffer, bytes: number, at: number): number {
  return Number(lib.pread(fd, ptr(into), bytes, at));
}

const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
const statBytes = fixedBytes(256);
const stat = new DataView(statBytes.buffer);
const statAt = ptr(statBytes);

/** `id` is `device:inode` as stat(2) has them, `stamp` the time of the last change in ns. struct statx is the same on every architecture (statx(2)). */
export function statOf(fd: number): { id: string; stamp: string; mode: number } {
  name[0] = 0;
  if (lib.statx(fd, nameAt, AT_EMPTY_PATH, STATX_BASIC_STATS, statAt) === -1) throw new LibcError("statx", errno());
  const [major, minor] = [stat.getUint32(136, true), stat.getUint32(140, true)];
  // gnu_dev_makedev(3), of what Linux has: 12 bits and 20.
  const device = major * 2 ** 8 + Math.floor(minor / 2 ** 8) * 2 ** 20 + (minor % 2 ** 8);
  return {
    id: `${device}:${stat.getBigUint64(32, true)}`,
    stamp: `${stat.getBigInt64(96, true)}${String(stat.getUint32(104, true)).padStart(9, "0")}`,
    mode: stat.getUint16(28, true),
  };
}

// struct iovec as pairs of 32 bits, each 64 bits by their lower and higher half: a BigInt for every number would cost more than the call.
const MAX_PIECES = 128;
const local = new Uint32Array(fixedBytes(16).buffer);
const remote = new Uint32Array(fixedBytes(MAX_PIECES * 16).buffer);
const [localAt, remoteAt] = [ptr(local), ptr(remote)];
let pieces = 0;

/** Begins a list of what is to be read of a process's memory. */
export function startPieces(): void {
  pieces = 0;
}

/** Adds bytes at an address, given by its halves; at most 128 pieces. */
export function addPiece(low: number, high: number, bytes: number): void {
  if (pieces === MAX_PIECES) throw new RangeError("too many pieces");
  remote[4 * pieces] = low;
  remote[4 * pieces + 1] = high;
  remote[4 * pieces + 2] = bytes;
  pieces += 1;
}

/** Reads the pieces, one after the other, into a buffer (process_vm_readv(2)); how many bytes came, -1: none. */
export function readPieces(pid: number, into: Buffer): number {
  const at = ptr(into);
  local[0] = at % 2 ** 32;
  local[1] = Math.floor(at / 2 ** 32);
  local[2] = into.length;
  return Number(lib.process_vm_readv(pid, localAt, 1, remoteAt, pieces, 0));
}

const EINTR = 4;
const POLLFD_BYTES = 8;

/** poll(2) for input, always over the same descriptors or the first `count` of them: each one's revents, in the same array until the next call. */
export function makePoll(fds: readonly number[]): (timeoutMs: number, count: number) => readonly number[] {
  const bytes = fixedBytes(fds.length * POLLFD_BYTES);
  const entries = new DataView(bytes.buffer);
  const entriesAt = ptr(bytes);
  fds.forEach((fd, index) => {
    entries.setInt32(index * POLLFD_BYTES, fd, true);
    entries.setInt16(index * POLLFD_BYTES + 4, POLLIN, true);
  });
  const changes = fds.map(() => 0);
  return (timeoutMs, count) => {
    const code = lib.poll(entriesAt, count, timeoutMs);
    if (code === -1 && errno() !== EINTR) throw new LibcError("poll", errno());
    fds.forEach((_, index) => {
      changes[index] = code > 0 && index < count ? entries.getInt16(index * POLLFD_BYTES + 6, true) : 0;
    });
    return changes;
  };
}
