// The product's one door to libc (bun:ffi). Every call is checked: a failure throws `LibcError` with the errno, never returns -1.
// Must stay loadable inside the sandbox, so it imports nothing but tables.
// Does not stop: a caller passing a wrong pointer; keep buffers alive until the call returns.

import { dlopen, ptr, read, type Pointer } from "bun:ffi";
import { writeSync } from "node:fs";

const lib = dlopen("libc.so.6", {
  __errno_location: { args: [], returns: "ptr" },
  syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64"], returns: "i64" },
  socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  mkfifo: { args: ["ptr", "u32"], returns: "i32" },
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  setpgid: { args: ["i32", "i32"], returns: "i32" },
  tcgetattr: { args: ["i32", "ptr"], returns: "i32" },
  tcsetattr: { args: ["i32", "i32", "ptr"], returns: "i32" },
  cfmakeraw: { args: ["ptr"], returns: "void" },
  tcsetpgrp: { args: ["i32", "i32"], returns: "i32" },
  signal: { args: ["i32", "u64"], returns: "u64" },
  sigemptyset: { args: ["ptr"], returns: "i32" },
  pthread_sigmask: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  close_range: { args: ["u32", "u32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  memfd_create: { args: ["ptr", "u32"], returns: "i32" },
  posix_spawn: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  posix_spawn_file_actions_init: { args: ["ptr"], returns: "i32" },
  posix_spawn_file_actions_adddup2: { args: ["ptr", "i32", "i32"], returns: "i32" },
  posix_spawn_file_actions_destroy: { args: ["ptr"], returns: "i32" },
  waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" },
  kill: { args: ["i32", "i32"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  sendmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
  recvmsg: { args: ["i32", "ptr", "i32"], returns: "i64" },
  setrlimit: { args: ["i32", "ptr"], returns: "i32" },
  execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
  open: { args: ["ptr", "i32", "i32"], returns: "i32" },
  readlinkat: { args: ["i32", "ptr", "ptr", "u64"], returns: "i64" },
}).symbols;

/** A failed libc call. `errno` is the kernel's number. */
export class LibcError extends Error {
  readonly call: string;
  readonly errno: number;
  constructor(call: string, errno: number) {
    super(`${call} failed with errno ${errno}`);
    this.name = "LibcError";
    this.call = call;
    this.errno = errno;
  }
}

function errno(): number {
  return read.i32(lib.__errno_location() as Pointer, 0);
}

function check(call: string, result: number | bigint): number {
  if (Number(result) === -1) throw new LibcError(call, errno());
  return Number(result);
}

/** NUL-terminated bytes for a `char *`. Throws on an embedded NUL, which would silently cut the text. */
export function cString(text: string | Uint8Array): Buffer {
  const bytes = Buffer.from(text as string);
  if (bytes.includes(0)) throw new TypeError("embedded NUL");
  return Buffer.concat([bytes, Buffer.alloc(1)]);
}

/** A NULL-terminated `char *[]`; hold on to the whole result while it is in use. */
export function cStringArray(items: string[]): { pointers: BigUint64Array; keep: Buffer[] } {
  const keep = items.map(cString);
  const pointers = new BigUint64Array(items.length + 1);
  keep.forEach((item, index) => (pointers[index] = BigInt(ptr(item))));
  return { pointers, keep };
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

/** A connected pair of stream sockets, close-on-exec in this process (a spawned child gets its copy by number). */
export function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  check("socketpair", lib.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ptr(pair)));
  return [pair[0]!, pair[1]!];
}

/** A pipe, `[read end, write end]`, close-on-exec in this process. */
export function pipe(): [number, number] {
  const pair = new Int32Array(2);
  check("pipe2", lib.pipe2(ptr(pair), SOCK_CLOEXEC));
  return [pair[0]!, pair[1]!];
}

/** A named pipe, 0600. Throws when the name is taken. */
export function makePipe(path: string): void {
  check("mkfifo", lib.mkfifo(ptr(cString(path)), 0o600));
}

/** Closes a descriptor; closing twice is an error of the caller and throws. */
export function closeFd(fd: number): void {
  check("close", lib.close(fd));
}

/** open(2) with exact flags; the descriptor is close-on-exec. */
export function openFd(path: string, flags: number, mode = 0): number {
  return check("open", lib.open(ptr(cString(path)), flags | SOCK_CLOEXEC, mode));
}

const PATH_MAX = 4096;

/** Where the symbolic link behind an O_PATH descriptor leads (readlinkat(2) with an empty path). */
export function readLinkOf(fd: number): string {
  const text = Buffer.alloc(PATH_MAX);
  return text.subarray(0, check("readlinkat", lib.readlinkat(fd, ptr(cString("")), ptr(text), PATH_MAX))).toString();
}

const CLOSE_RANGE_CLOEXEC = 4;

/** Marks every descriptor from `first` up close-on-exec. */
export function closeOnExecFrom(first: number): void {
  check("close_range", lib.close_range(first, 0xffffffff, CLOSE_RANGE_CLOEXEC));
}

/** Closes every descriptor from `first` up. */
export function closeFrom(first: number): void {
  check("close_range", lib.close_range(first, 0xffffffff, 0));
}

const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;

/** Takes an exclusive advisory lock without waiting; false when somebody else holds it. Released when the descriptor closes. */
export function tryLock(fd: number): boolean {
  if (lib.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const code = errno();
  if (code === EWOULDBLOCK) return false;
  throw new LibcError("flock", code);
}

/** Takes an exclusive advisory lock, waiting for whoever holds it. */
export function waitLock(fd: number): void {
  check("flock", lib.flock(fd, LOCK_EX));
}

/** Writes everything at the start of a file and leaves its offset at 0, ready for a child to read. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, done);
}

const MFD_CLOEXEC = 1;

/** An anonymous file in memory (close-on-exec here). */
export function memoryFile(name: string): number {
  return check("memfd_create", lib.memfd_create(ptr(cString(name)), MFD_CLOEXEC));
}

/** prctl(2). */
export function prctl(option: number, a = 0, b = 0, c = 0, d = 0): number {
  return check("prctl", lib.prctl(option, a, b, c, d));
}

/** A raw system call; pointers are passed as numbers. */
export function systemCall(number: number, a: number, b = 0, c = 0, d = 0, e = 0): number {
  return check("syscall", lib.syscall(number, a, b, c, d, e));
}

/** Puts `pid` (0: the caller) at the head of its own process group. */
export function leadOwnGroup(): void {
  check("setpgid", lib.setpgid(0, 0));
}

/** Makes a process group the foreground one of the terminal behind `fd`. */
export function setForeground(fd: number, group: number): void {
  check("tcsetpgrp", lib.tcsetpgrp(fd, group));
}

export const SIG_DFL = 0;
export const SIG_IGN = 1;

/** Sets a signal's disposition to default or ignore; errors (KILL, STOP) are not worth a word. */
export function setSignal(signal: number, disposition: typeof SIG_DFL | typeof SIG_IGN): void {
  lib.signal(signal, disposition);
}

const SIG_SETMASK = 2;

/** Unblocks every signal for the calling thread. */
export function unblockSignals(): void {
  const set = new Uint8Array(128);
  lib.sigemptyset(ptr(set));
  check("pthread_sigmask", -Math.abs(lib.pthread_sigmask(SIG_SETMASK, ptr(set), null)) || 0);
}

/** What waitpid said of one child. */
export type ChildEvent = { pid: number; status: number };

export const WNOHANG = 1;
export const WUNTRACED = 2;
const ECHILD = 10;

/** The next child event, without waiting; undefined when there is none. */
export function reapOne(flags: number): ChildEvent | undefined {
  const status = new Int32Array(1);
  const pid = lib.waitpid(-1, ptr(status), flags | WNOHANG);
  if (pid > 0) return { pid, status: status[0]! };
  if (pid === -1 && errno() !== ECHILD) throw new LibcError("waitpid", errno());
  return undefined;
}

/** Sends a signal to one process or, negated, to one process group. Refuses -1, 0 and 1: those are never ours. */
export function sendSignal(target: number, signal: number): void {
  if (!Number.isInteger(target) || Math.abs(target) <= 1) throw new RangeError("not a pid of ours");
  check("kill", lib.kill(target, signal));
}

/** Starts a program with the given descriptors (`[from, to]` pairs are dup2'ed); nothing else is inherited beyond close-on-exec rules. */
export function spawnProcess(path: string, argv: string[], env: string[], descriptors: [number, number][]): number {
  const actions = new Uint8Array(256);
  check("posix_spawn_file_actions_init", lib.posix_spawn_file_actions_init(ptr(actions)));
  for (const [from, to] of descriptors) lib.posix_spawn_file_actions_adddup2(ptr(actions), from, to);
  const pid = new Int32Array(1);
  const args = cStringArray(argv);
  const envp = cStringArray(env);
  const code = lib.posix_spawn(
    ptr(pid),
    ptr(cString(path)),
    ptr(actions),
    null,
    ptr(args.pointers),
    ptr(envp.pointers),
  );
  lib.posix_spawn_file_actions_destroy(ptr(actions));
  if (code !== 0) throw new LibcError("posix_spawn", code);
  return pid[0]!;
}

/** Replaces this process. Returns only by throwing. */
export function execve(path: string, argv: string[], env: string[]): never {
  const args = cStringArray(argv);
  const envp = cStringArray(env);
  lib.execve(ptr(cString(path)), ptr(args.pointers), ptr(envp.pointers));
  throw new LibcError("execve", errno());
}

export const POLLIN = 1;
export const POLLHUP = 16;

/** poll(2) over descriptors for input; returns each one's revents. Blocks the calling thread. */
export function pollInput(fds: number[], timeoutMs: number): number[] {
  const entries = new Int32Array(fds.length * 2);
  const view = new DataView(entries.buffer);
  fds.forEach((fd, index) => {
    view.setInt32(index * 8, fd, true);
    view.setInt16(index * 8 + 4, POLLIN, true);
  });
  const code = lib.poll(ptr(entries), fds.length, timeoutMs);
  if (code === -1 && errno() !== 4) throw new LibcError("poll", errno());
  return fds.map((_, index) => (code === -1 ? 0 : view.getInt16(index * 8 + 6, true)));
}

/** ioctl(2) with a buffer. */
export function ioctl(fd: number, request: number, buffer: Uint8Array): number {
  return check("ioctl", lib.ioctl(fd, request, ptr(buffer)));
}

/** Sets one resource limit, soft and hard (bytes or counts as the resource wants them). */
export function setLimit(resource: number, soft: bigint, hard: bigint): void {
  const pair = new BigUint64Array([soft, hard]);
  check("setrlimit", lib.setrlimit(resource, ptr(pair)));
}

// struct msghdr (56 bytes): iov at 16, iovlen at 24, control at 32, controllen at 40. One cmsg with one descriptor: 24 bytes.
function fdMessage(fd: number): { header: Uint8Array; keep: unknown[]; control: DataView } {
  const byte = new Uint8Array([1]);
  const iov = new BigUint64Array([BigInt(ptr(byte)), 1n]);
  const control = new DataView(new ArrayBuffer(24));
  control.setBigUint64(0, 20n, true);
  control.setInt32(8, 1, true); // SOL_SOCKET
  control.setInt32(12, 1, true); // SCM_RIGHTS
  control.setInt32(16, fd, true);
  const controlBytes = new Uint8Array(control.buffer);
  const header = new Uint8Array(56);
  const view = new DataView(header.buffer);
  view.setBigUint64(16, BigInt(ptr(iov)), true);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(32, BigInt(ptr(controlBytes)), true);
  view.setBigUint64(40, 24n, true);
  return { header, keep: [byte, iov, controlBytes], control };
}

/** Hands a descriptor to the process at the other end of a Unix socket (SCM_RIGHTS). */
export function sendFd(socket: number, fd: number): void {
  const message = fdMessage(fd);
  check("sendmsg", lib.sendmsg(socket, ptr(message.header), 0));
}

const MSG_CMSG_CLOEXEC = 0x40000000;

/** Receives a descriptor (close-on-exec); undefined when the peer closed without sending one. Blocks the calling thread. */
export function receiveFd(socket: number): number | undefined {
  const message = fdMessage(-1);
  const bytes = check("recvmsg", lib.recvmsg(socket, ptr(message.header), MSG_CMSG_CLOEXEC));
  if (bytes === 0) return undefined;
  const fd = message.control.getInt32(16, true);
  return fd >= 0 ? fd : undefined;
}

/** Address of a buffer, for structures that hold pointers. */
export function addressOf(buffer: ArrayBufferView): number {
  return ptr(buffer as Uint8Array);
}

// struct termios is 60 bytes with glibc on both architectures (bits/termios-struct.h).
const TERMIOS_BYTES = 128;
const TCSADRAIN = 1;

/** Terminal settings as they are now, to be given back by `setTerminal`. */
export function terminalSettings(fd: number): Buffer {
  const settings = Buffer.alloc(TERMIOS_BYTES);
  check("tcgetattr", lib.tcgetattr(fd, ptr(settings)));
  return settings;
}

/** Those settings with every translation of bytes off, input and output (cfmakeraw(3)). */
export function rawSettings(settings: Buffer): Buffer {
  const raw = Buffer.from(settings);
  lib.cfmakeraw(ptr(raw));
  return raw;
}

/** Applies settings once what was written has gone out. */
export function setTerminal(fd: number, settings: Buffer): void {
  check("tcsetattr", lib.tcsetattr(fd, TCSADRAIN, ptr(settings)));
}
