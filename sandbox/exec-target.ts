// What an exec call would run: the file behind the path, through links, descriptors and the `#!` lines of scripts, looked at in the caller's
// own file system (openat2, RESOLVE_IN_ROOT) and told by device and inode. Opens nothing but regular files, and those without waiting.
// Does not stop: a path, a link or a script that is changed between this look and the kernel's; only a mount does.

import type { Arch } from "./host.ts";
import * as libc from "./libc.ts";
import { readKernelFile, S_IFREG } from "./libc-files.ts";
import { AT_FDCWD, fixedBytes, linkAt, openAtFd, openResolved, readAt, statOf } from "./libc-look.ts";
import { HEAD_BYTES, parseShebang } from "./shebang.ts";
import { noFollow, syscallNumber } from "./syscalls.ts";

/** `id` is `device:inode`; `stamp` changes with the file's content; `path` as the caller's file system has it (`/memfd:name (deleted)` for a file in memory). */
export type ProgramFile = { id: string; stamp: string; path: string; runnable: boolean };

export type ExecTarget =
  /** The program, then its interpreter, and that one's. */
  | { kind: "found"; files: ProgramFile[] }
  | { kind: "absent" }
  /** It could not be told; `files` as far as it could. */
  | { kind: "unknown"; files: ProgramFile[] };

/** An exec call as it was made. `dir` is execveat's descriptor; undefined: the working directory. */
export type ExecCall = { pid: number; path: string; dir: number | undefined };

const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_IN_ROOT = 0x10;
const ENOENT = 2;
const ENOTDIR = 20;
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
/** linux/namei.h: MAXSYMLINKS. */
const MAX_LINKS = 40;
/** fs/exec.c: the program and five interpreters. */
const MAX_FILES = 6;

class Unknown extends Error {}
class Absent extends Error {}

const link = (path: string) => {
  const to = linkAt(AT_FDCWD, path);
  if (to === undefined) throw new Unknown();
  return to;
};

function asFailure(error: unknown): Error {
  const code = error instanceof libc.LibcError ? error.errno : undefined;
  return code === ENOENT || code === ENOTDIR ? new Absent() : new Unknown();
}

type Caller = { pid: number; arch: Arch; root: number };

/** A descriptor, or what failed, negative. */
function tryIn({ arch, root }: Caller, path: string, flags: number): number {
  const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return openResolved(syscallNumber(arch, "openat2"), root, path, flags | O_PATH | O_CLOEXEC, resolve);
}

function openIn(caller: Caller, path: string, flags: number): number {
  const fd = tryIn(caller, path, flags);
  if (fd < 0) throw new libc.LibcError("openat2", -fd);
  return fd;
}

/** Whether there is certainly no such name: its folder is reached without a link of the kernel's own, and does not have it. */
function isMissing(caller: Caller, path: string): boolean {
  const folder = tryIn(caller, path.slice(0, path.lastIndexOf("/") + 1), 0);
  if (folder < 0) return false;
  libc.closeFd(folder);
  const fd = tryIn(caller, path, noFollow[caller.arch]);
  if (fd >= 0) libc.closeFd(fd);
  return fd === -ENOENT;
}

/** A file by the kernel's own link to it. */
function openMagic(path: string): number {
  try {
    return openAtFd(AT_FDCWD, path, O_PATH | O_CLOEXEC);
  } catch {
    throw new Unknown();
  }
}

/** The caller's pid as its own /proc has it. */
function ownNumber(pid: number): string {
  const status = readKernelFile(`/proc/${pid}/status`);
  return /^NSpid:.*?(\d+)$/m.exec(status)?.[1] ?? "";
}

/** Where a link of the kernel's own leads: /proc/self, and a process's exe, cwd, root and descriptors. Undefined: it is an ordinary link. */
function magicLink({ pid }: Caller, names: string[]): { path: string } | { open: string } | undefined {
  const [top, who, ...what] = names;
  if (top !== "proc" || who === undefined) return undefined;
  const own = ownNumber(pid);
  if (what.length === 0) {
    if (who === "self") return { path: `/proc/${own}` };
    return who === "thread-self" ? { path: `/proc/${own}/task/${own}` } : undefined;
  }
  const inTask = what[0] === "task" ? what.slice(2) : what;
  const of = what[0] === "task" ? what[1] : who;
  if (inTask.length === 0) return undefined;
  if (who !== own || of !== own) throw new Unknown();
  const name = inTask.join("/");
  if (name === "cwd" || name === "root") return { path: link(`/proc/${pid}/${name}`) };
  if (name === "exe" || /^fd\/\d+$/.test(name)) return { open: `/proc/${pid}/${name}` };
  return undefined;
}

/** Walks an absolute path name by name, where openat2 alone cannot: through links of /proc, which mean the caller and not us. */
function walk(caller: Caller, path: string): number {
  let done: string[] = [];
  const ahead = path.split("/").reverse();
  for (let links = 0; ahead.length > 0;) {
    const name = ahead.pop()!;
    if (name === "" || name === ".") continue;
    if (name === "..") {
      done.pop();
      continue;
    }
    const names = [...done, name];
    let to: string | undefined;
    const magic = magicLink(caller, names);
    if (magic !== undefined && "open" in magic) {
      if (ahead.some((rest) => rest !== "" && rest !== ".")) to = link(magic.open);
      else return openMagic(magic.open);
    } else if (magic !== undefined) to = magic.path;
    else {
      const fd = openIn(caller, `/${names.join("/")}`, noFollow[caller.arch]);
      try {
        if ((statOf(fd).mode & S_IFMT) === S_IFLNK) to = libc.readLinkOf(fd);
      } finally {
        libc.closeFd(fd);
      }
    }
    if (to === undefined) {
      done = names;
      continue;
    }
    if (++links > MAX_LINKS) throw new Unknown();
    if (to.startsWith("/")) done = [];
    ahead.push(...to.split("/").reverse());
  }
  return openIn(caller, `/${done.join("/")}`, 0);
}

function openTarget(caller: Caller, { pid, path, dir }: ExecCall): number {
  if (path === "" && dir === undefined) throw new Absent();
  if (path === "") return openMagic(`/proc/${pid}/fd/${dir}`);
  const base = path.startsWith("/") ? "" : link(`/proc/${pid}/${dir === undefined ? "cwd" : `fd/${dir}`}`);
  if (base !== "" && !base.startsWith("/")) throw new Unknown();
  const absolute = `${base}/${path}`;
  const fd = tryIn(caller, absolute, 0);
  if (fd >= 0) return fd;
  if (fd === -ENOENT && isMissing(caller, absolute)) throw new Absent();
  return walk(caller, absolute);
}

const head = fixedBytes(HEAD_BYTES);

/** The first bytes of a regular file, until the next call; undefined where we may not read it. */
function headOf(own: number, fd: number): Buffer | undefined {
  let readable: number;
  try {
    readable = openAtFd(own, String(fd), O_NONBLOCK | O_CLOEXEC);
  } catch {
    return undefined;
  }
  const bytes = readAt(readable, head, HEAD_BYTES, 0);
  libc.closeFd(readable);
  return bytes < 0 ? undefined : head.subarray(0, bytes);
}

/** Descriptors that every look at a file of the same sandbox needs: its root, which nobody in it can change, and the folder of our own descriptors. */
export type Vantage = Disposable & { root: number; own: number };

/** The file system as this process of the sandbox has it. Throws `LibcError`. */
export function openVantage(pid: number): Vantage {
  const own = openAtFd(AT_FDCWD, "/proc/self/fd", O_CLOEXEC);
  try {
    const root = openAtFd(AT_FDCWD, `/proc/${pid}/root`, O_PATH | O_CLOEXEC);
    return {
      ...{ root, own },
      [Symbol.dispose]() {
        libc.closeFd(root);
        libc.closeFd(own);
      },
    };
  } catch (error) {
    libc.closeFd(own);
    throw error;
  }
}

/** Resolves one exec call. Never throws. */
export function resolveTarget(call: ExecCall, arch: Arch, { root, own }: Vantage): ExecTarget {
  const files: ProgramFile[] = [];
  try {
    const caller = { pid: call.pid, arch, root };
    for (let next: ExecCall | undefined = call; next !== undefined;) {
      if (files.length === MAX_FILES) return { kind: "unknown", files };
      const fd = openTarget(caller, next);
      next = undefined;
      try {
        const { id, stamp, mode } = statOf(fd);
        const path = linkAt(own, String(fd));
        if (path === undefined) throw new Unknown();
        const runnable = (mode & S_IFMT) === S_IFREG && (mode & 0o111) !== 0;
        files.push({ id, stamp, path, runnable });
        if (!runnable) break;
        const start = headOf(own, fd);
        if (start === undefined) return { kind: "unknown", files };
        const script = parseShebang(start);
        if (script !== undefined) next = { pid: call.pid, path: script.interpreter, dir: undefined };
      } finally {
        libc.closeFd(fd);
      }
    }
    return { kind: "found", files };
  } catch (error) {
    const failure = error instanceof Unknown || error instanceof Absent ? error : asFailure(error);
    return failure instanceof Absent && files.length === 0 ? { kind: "absent" } : { kind: "unknown", files };
  }
}

/** AT_FDCWD and a descriptor, as execveat's first argument has them. */
export function directoryOf(argument: bigint): number | undefined {
  const fd = Number(BigInt.asIntN(32, argument));
  return fd === AT_FDCWD ? undefined : fd;
}
