// What an exec call's own arguments say, read from the caller's memory while the call waits. Bounded.
// Does not stop: another thread of the caller from changing them before the kernel reads them again.

import { closeFd } from "./libc.ts";
import { addPiece, AT_FDCWD, fixedBytes, openAtFd, readAt, readPieces, startPieces } from "./libc-look.ts";

const PAGE = 4096n;
const O_CLOEXEC = 0o2000000;
const MAX_PATH_BYTES = 4096;
// As much as is ever recorded.
const MAX_ARGS = 256;
const MAX_ARGS_BYTES = 16 * 1024;

function readBytes(memory: number, address: bigint, size: number): Buffer {
  const buffer = Buffer.alloc(size);
  // A read that crosses into an unmapped page comes back short, which is what a string near the end of a mapping needs.
  const bytes = readAt(memory, buffer, size, Number(address));
  if (bytes < 0) throw new RangeError("not readable");
  return buffer.subarray(0, bytes);
}

function readString(memory: number, address: bigint, max: number): { text: string; bytes: number; cut: boolean } {
  const parts: Buffer[] = [];
  let cut = true;
  let at = address;
  for (let left = max; left > 0;) {
    const size = Math.min(left, Number(PAGE - (at % PAGE)));
    const piece = readBytes(memory, at, size);
    const end = piece.indexOf(0);
    parts.push(end === -1 ? piece : piece.subarray(0, end));
    if (end !== -1) cut = false;
    if (end !== -1 || piece.length < size) break;
    at += BigInt(size);
    left -= size;
  }
  const whole = Buffer.concat(parts);
  return { text: whole.toString(), bytes: whole.length, cut };
}

const POINTERS_AT_ONCE = 32;

function readArgs(memory: number, address: bigint): { args: string[]; cut: boolean } {
  const args: string[] = [];
  if (address === 0n) return { args, cut: false };
  let left = MAX_ARGS_BYTES;
  let pointers: Buffer = Buffer.alloc(0);
  for (let index = 0; index < MAX_ARGS; index++) {
    const at = (index % POINTERS_AT_ONCE) * 8;
    if (at === 0) pointers = readBytes(memory, address + BigInt(index * 8), POINTERS_AT_ONCE * 8);
    if (pointers.length < at + 8) return { args, cut: true };
    const pointer = pointers.readBigUInt64LE(at);
    if (pointer === 0n) return { args, cut: false };
    const read = readString(memory, pointer, left);
    args.push(read.text);
    left -= read.bytes;
    if (read.cut) return { args, cut: true };
  }
  return { args, cut: true };
}

/** Variables by which a program takes in code that its words do not name. What it would start instead is seen anyway. */
export const LOADERS: ReadonlySet<string> = new Set([
  ...["LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "BASH_ENV", "NODE_OPTIONS", "PERL5OPT", "PERL5LIB", "RUBYOPT"],
  ...["PYTHONSTARTUP", "PYTHONPATH", "PYTHONHOME"],
]);
const MAX_VARIABLES = 1024;
const NAME_BYTES = 32;

/** Which of those the environment at this address has, with what they are set to; null: it could not be read, or not to its end. */
export function readLoaders(pid: number, envAt: bigint): string[] | null {
  if (envAt === 0n) return [];
  const found: string[] = [];
  let memory: number | undefined;
  try {
    memory = openAtFd(AT_FDCWD, `/proc/${pid}/mem`, O_CLOEXEC);
    let pointers: Buffer = Buffer.alloc(0);
    for (let index = 0; index < MAX_VARIABLES; index++) {
      const at = (index % POINTERS_AT_ONCE) * 8;
      if (at === 0) pointers = readBytes(memory, envAt + BigInt(index * 8), POINTERS_AT_ONCE * 8);
      if (pointers.length < at + 8) return null;
      const pointer = pointers.readBigUInt64LE(at);
      if (pointer === 0n) return found;
      const { text } = readString(memory, pointer, NAME_BYTES);
      if (LOADERS.has(text.split("=")[0]!)) found.push(readString(memory, pointer, MAX_PATH_BYTES).text);
    }
    return null;
  } catch {
    return null;
  } finally {
    if (memory !== undefined) closeFd(memory);
  }
}

type ExecWords = { path: string | null; argv: string[]; cut: boolean };

// What nearly every call fits in; two reads of it are all that is needed then.
const QUICK_PATH_BYTES = 256;
const QUICK_ARGS = 64;
const QUICK_ARG_BYTES = 256;
const QUICK_SPAN_BYTES = 8192;
const quick = fixedBytes(QUICK_PATH_BYTES + (QUICK_ARGS + 1) * 8);
const pointers = new Uint32Array(quick.buffer, 0, (QUICK_ARGS + 1) * 2);
const words = fixedBytes(QUICK_ARGS * QUICK_ARG_BYTES);
/** Where in `words` each argument starts, and where it must have ended. */
const starts = new Uint32Array(QUICK_ARGS);
const limits = new Uint32Array(QUICK_ARGS);

/**
 * Reads the arguments that `count` pointers lead to, all at once where they lie close together; false: not all of them are there, or not for
 * process_vm_readv(2), which wants the right to read where the kernel's own exec needs less.
 */
function readWords(pid: number, count: number, lowest: number, highest: number, high: number | undefined): boolean {
  startPieces();
  const last = highest - lowest + QUICK_ARG_BYTES;
  if (high !== undefined && last <= QUICK_SPAN_BYTES) {
    limits.fill(last);
    for (let index = 0; index < count; index++) starts[index] = pointers[2 * index]! - lowest;
    addPiece(lowest, high, last);
    return readPieces(pid, words) === last;
  }
  let bytes = 0;
  for (let index = 0; index < count; index++) {
    starts[index] = bytes;
    addPiece(pointers[2 * index]!, pointers[2 * index + 1]!, QUICK_ARG_BYTES);
    bytes += QUICK_ARG_BYTES;
    limits[index] = bytes;
  }
  return readPieces(pid, words) === bytes;
}

/** The same by two reads, of what is short; undefined: something is not, or is not to be had that way. */
function readQuickly(pid: number, pathAt: bigint, argvAt: bigint): ExecWords | undefined {
  const [pathLow, argvLow] = [Number(pathAt & 0xffffffffn), Number(argvAt & 0xffffffffn)];
  if ((argvLow & 7) !== 0) return undefined;
  const list = argvAt === 0n ? 0 : (QUICK_ARGS + 1) * 8;
  startPieces();
  if (list > 0) addPiece(argvLow, Number(argvAt >> 32n), list);
  addPiece(pathLow, Number(pathAt >> 32n), QUICK_PATH_BYTES);
  if (readPieces(pid, quick) !== list + QUICK_PATH_BYTES) return undefined;
  const end = quick.indexOf(0, list);
  if (end === -1 || end >= list + QUICK_PATH_BYTES) return undefined;
  const path = quick.toString("utf8", list, end);
  const argv: string[] = [];
  let count = 0;
  let [lowest, highest, high]: [number, number, number | undefined] = [0xffffffff, 0, pointers[1]];
  for (; list > 0; count++) {
    if ((count + 1) * 8 > list) return undefined;
    const [low, above] = [pointers[2 * count]!, pointers[2 * count + 1]!];
    if (low === 0 && above === 0) break;
    if (above !== high) high = undefined;
    if (low < lowest) lowest = low;
    if (low > highest) highest = low;
  }
  if (count === 0) return { path, argv, cut: false };
  if (!readWords(pid, count, lowest, highest, high)) return undefined;
  let left = MAX_ARGS_BYTES;
  for (let index = 0; index < count; index++) {
    const from = starts[index]!;
    const to = words.indexOf(0, from);
    left -= to - from;
    if (to === -1 || left < 0 || to >= limits[index]!) return undefined;
    argv.push(words.toString("utf8", from, to));
  }
  return { path, argv, cut: false };
}

/** The path and the arguments at these addresses. `path` null: the memory could not be read. */
export function readExecMemory(pid: number, pathAt: bigint, argvAt: bigint): ExecWords {
  return readQuickly(pid, pathAt, argvAt) ?? readSlowly(pid, pathAt, argvAt);
}

function readSlowly(pid: number, pathAt: bigint, argvAt: bigint): ExecWords {
  let memory: number;
  try {
    memory = openAtFd(AT_FDCWD, `/proc/${pid}/mem`, O_CLOEXEC);
  } catch {
    return { path: null, argv: [], cut: true };
  }
  try {
    const { text: path } = readString(memory, pathAt, MAX_PATH_BYTES);
    const { args: argv, cut } = readArgs(memory, argvAt);
    return { path, argv, cut };
  } catch {
    return { path: null, argv: [], cut: true };
  } finally {
    closeFd(memory);
  }
}
