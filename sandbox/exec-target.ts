// What an exec call would run: the file behind the path, through links, descriptors and the `#!` lines of scripts, looked at in the caller's
// own file system (openat2, RESOLVE_IN_ROOT) and told by device and inode. Opens nothing but regular files, and those without waiting.
// Does not stop: a path, a link or a script that is changed between this look and the kernel's; only a mount does.

import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync, readSync } from "node:fs";
import type { Arch } from "./host.ts";
import * as libc from "./libc.ts";
import { HEAD_BYTES, parseShebang } from "./shebang.ts";
import { syscallNumber } from "./syscalls.ts";

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
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_IN_ROOT = 0x10;
const ENOENT = 2;
const ENOTDIR = 20;
const AT_FDCWD = -100;
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
/** linux/namei.h: MAXSYMLINKS. */
const MAX_LINKS = 40;
/** fs/exec.c: the program and five interpreters. */
const MAX_FILES = 6;

class Unknown extends Error {}
class Absent extends Error {}

const link = (path: string) => {
  try {
    return readlinkSync(path);
  } catch {
    throw new Unknown();
  }
};

function asFailure(error: unknown): Error {
  const code = error instanceof libc.LibcError ? error.errno : undefined;
  return code === ENOENT || code === ENOTDIR ? new Absent() : new Unknown();
}

type Caller = { pid: number; arch: Arch; root: number };

// struct open_how: flags, mode, resolve, each 64 bits.
function openIn({ arch, root }: Caller, path: string, flags: number): number {
  const how = new BigUint64Array([
    BigInt(flags | O_PATH | O_CLOEXEC),
    0n,
    BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS),
  ]);
  const name = libc.cString(path);
  return libc.systemCall(syscallNumber(arch, "openat2"), root, libc.addressOf(name), libc.addressOf(how), 24);
}

/** The caller's pid as its own /proc has it. */
function ownNumber(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
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
      else return openSync(magic.open, O_PATH | O_CLOEXEC);
    } else if (magic !== undefined) to = magic.path;
    else {
      const fd = openIn(caller, `/${names.join("/")}`, constants.O_NOFOLLOW);
      try {
        if ((fstatSync(fd).mode & S_IFMT) === S_IFLNK) to = libc.readLinkOf(fd);
      } finally {
        closeSync(fd);
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
  if (path === "") return openSync(`/proc/${pid}/fd/${dir}`, O_PATH | O_CLOEXEC);
  const base = path.startsWith("/") ? "" : link(`/proc/${pid}/${dir === undefined ? "cwd" : `fd/${dir}`}`);
  if (base !== "" && !base.startsWith("/")) throw new Unknown();
  const absolute = `${base}/${path}`;
  try {
    return openIn(caller, absolute, 0);
  } catch {
    return walk(caller, absolute);
  }
}

/** The first bytes of a regular file; undefined where we may not read it. */
function headOf(fd: number): Buffer | undefined {
  try {
    const readable = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK | O_CLOEXEC);
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      return head.subarray(0, readSync(readable, head, 0, HEAD_BYTES, 0));
    } finally {
      closeSync(readable);
    }
  } catch {
    return undefined;
  }
}

/** Resolves one exec call. Never throws. */
export function resolveTarget(call: ExecCall, arch: Arch): ExecTarget {
  const files: ProgramFile[] = [];
  let root: number | undefined;
  try {
    root = openSync(`/proc/${call.pid}/root`, O_PATH | O_CLOEXEC);
    const caller = { pid: call.pid, arch, root };
    for (let next: ExecCall | undefined = call; next !== undefined;) {
      if (files.length === MAX_FILES) return { kind: "unknown", files };
      const fd = openTarget(caller, next);
      next = undefined;
      try {
        const { dev, ino, mode, ctimeNs } = fstatSync(fd, { bigint: true });
        const regular = (Number(mode) & S_IFMT) === constants.S_IFREG;
        files.push({
          id: `${dev}:${ino}`,
          stamp: String(ctimeNs),
          path: readlinkSync(`/proc/self/fd/${fd}`),
          runnable: regular && (mode & 0o111n) !== 0n,
        });
        if (!files.at(-1)!.runnable) break;
        const head = headOf(fd);
        if (head === undefined) return { kind: "unknown", files };
        const script = parseShebang(head);
        if (script !== undefined) next = { pid: call.pid, path: script.interpreter, dir: undefined };
      } finally {
        closeSync(fd);
      }
    }
    return { kind: "found", files };
  } catch (error) {
    const failure = error instanceof Unknown || error instanceof Absent ? error : asFailure(error);
    return failure instanceof Absent && files.length === 0 ? { kind: "absent" } : { kind: "unknown", files };
  } finally {
    if (root !== undefined) closeSync(root);
  }
}

/** AT_FDCWD and a descriptor, as execveat's first argument has them. */
export function directoryOf(argument: bigint): number | undefined {
  const fd = Number(BigInt.asIntN(32, argument));
  return fd === AT_FDCWD ? undefined : fd;
}
