// When processes that were seen running a program end, and how: a descriptor for each (pidfd_open(2)), all behind one epoll instance. In the
// observer's thread. How one ended is known from Linux 6.15 on (PIDFD_INFO_EXIT), once its parent has asked for it; when it ended, always.
// Does not stop: more processes at once than are watched; the end of one beyond that is not seen.

import { AT_ONCE, openEpoll } from "./epoll.ts";
import type { Arch } from "./host.ts";
import * as libc from "./libc.ts";
import { fixedBytes } from "./libc-look.ts";
import { pidfdInfo, syscallNumber } from "./syscalls.ts";

/** `code` and `signal` null: not known. */
export type ExecEnd = { pid: number; code: number | null; signal: number | null; atMs: number };

/** Descriptors; the soft limit may be 1024. */
const MAX_WATCHED = 512;
const SIGNAL_MASK = 0x7f;

export type EndWatch = Disposable & {
  /** To be polled for input: something ended. */
  fd: number;
  /** Says that something has ended at this moment, to be taken later; and whether there is such a thing. */
  note(): void;
  noted(): boolean;
  /** The process that this thread, which waits, is the first of, and its parent (Linux 6.13); undefined: the kernel does not say, or it is another thread. */
  identify(thread: number): { pid: number; parent: number } | undefined;
  /** Watches a process that cannot end meanwhile: its call is being held. */
  add(pid: number, lineage?: number[]): void;
  /** No longer watches what `add` just added: it was another process. */
  drop(pid: number): void;
  /** A process and its parents up to `init`, from what was said of them when they were added, which holds while they all go on; undefined: not known. */
  lineageOf(pid: number, init: number): number[] | undefined;
  /** What ended since the last call. */
  take(): ExecEnd[];
  /** The same at the end of everything, waiting at most so long for parents to ask. */
  rest(waitMs: number): ExecEnd[];
};

type Watched = { fd: number; endedMs: number | undefined; lineage: number[] | undefined };

const info = fixedBytes(pidfdInfo.bytes);
const infoView = new DataView(info.buffer);

/** Asks for what `mask` says; false: an older kernel, or it is gone without a word. */
function ask(fd: number, mask: bigint): boolean {
  infoView.setBigUint64(0, mask, true);
  try {
    libc.ioctl(fd, pidfdInfo.request, info);
    return (infoView.getBigUint64(0, true) & mask) === mask;
  } catch (error) {
    if (error instanceof libc.LibcError) return false;
    throw error;
  }
}

/** How the process behind a descriptor ended; undefined as long as nobody may know. */
function statusOf(fd: number): { code: number | null; signal: number | null } | undefined {
  if (!ask(fd, pidfdInfo.exit)) return undefined;
  const status = infoView.getInt32(pidfdInfo.exitCodeAt, true);
  const signal = status & SIGNAL_MASK;
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal };
}

/** Starts watching nothing. */
export function watchEnds(arch: Arch): EndWatch {
  const epoll = openEpoll(arch);
  const watched = new Map<number, Watched>();
  const pidfdOpen = syscallNumber(arch, "pidfd_open");
  const finish = (pid: number, { fd, endedMs }: Watched): ExecEnd => {
    watched.delete(pid);
    const { code = null, signal = null } = statusOf(fd) ?? {};
    libc.closeFd(fd);
    return { pid, code, signal, atMs: endedMs ?? Date.now() };
  };
  let notedMs: number | undefined;
  const takeWithin = (timeoutMs: number): ExecEnd[] => {
    const ends: ExecEnd[] = [];
    for (let wait = timeoutMs; ; wait = 0) {
      const changed = epoll.wait(wait);
      for (const { data: pid, hungUp } of changed) {
        const process = watched.get(pid);
        if (process === undefined) continue;
        process.endedMs ??= notedMs ?? Date.now();
        // Of several only the first ended then.
        notedMs = undefined;
        // First it has ended, then its parent has asked how.
        if (hungUp) ends.push(finish(pid, process));
      }
      if (changed.length < AT_ONCE) {
        notedMs = undefined;
        return ends;
      }
    }
  };
  // Opened to ask about a process, and kept because most of those asked about are watched next.
  let asked: { pid: number; fd: number } | undefined;
  const forget = () => {
    if (asked !== undefined) libc.closeFd(asked.fd);
    asked = undefined;
  };
  const open = (pid: number): number => {
    if (asked?.pid === pid) {
      const { fd } = asked;
      asked = undefined;
      return fd;
    }
    return libc.systemCall(pidfdOpen, pid);
  };
  const goesOn = (pid: number) => {
    const process = watched.get(pid);
    return process !== undefined && process.endedMs === undefined;
  };
  let added: number | undefined;
  return {
    fd: epoll.fd,
    note: () => void (notedMs ??= Date.now()),
    noted: () => notedMs !== undefined,
    identify(thread) {
      forget();
      const known = watched.get(thread)?.fd;
      if (known === undefined) {
        try {
          asked = { pid: thread, fd: libc.systemCall(pidfdOpen, thread) };
        } catch (error) {
          if (error instanceof libc.LibcError) return undefined;
          throw error;
        }
      }
      if (!ask(known ?? asked!.fd, pidfdInfo.ids)) return undefined;
      const parent = infoView.getInt32(pidfdInfo.parentAt, true);
      return infoView.getInt32(pidfdInfo.processAt, true) === thread ? { pid: thread, parent } : undefined;
    },
    add(pid, lineage) {
      added = undefined;
      const before = watched.get(pid);
      if (before !== undefined) before.lineage = lineage;
      if (before !== undefined || watched.size >= MAX_WATCHED) return;
      let fd: number | undefined;
      try {
        fd = open(pid);
        epoll.add(fd, pid);
        watched.set(pid, { fd, endedMs: undefined, lineage });
        added = pid;
      } catch (error) {
        if (fd !== undefined) libc.closeFd(fd);
        if (!(error instanceof libc.LibcError)) throw error;
      }
    },
    drop(pid) {
      if (added !== pid) return;
      libc.closeFd(watched.get(pid)!.fd);
      watched.delete(pid);
      added = undefined;
    },
    lineageOf(pid, init) {
      if (pid === init) return [init];
      const lineage = watched.get(pid)?.lineage;
      if (lineage === undefined || !goesOn(pid)) return undefined;
      return lineage.every((parent) => parent === init || goesOn(parent)) ? [pid, ...lineage] : undefined;
    },
    take: () => takeWithin(0),
    rest(waitMs) {
      const until = performance.now() + waitMs;
      const ends = takeWithin(0);
      for (let left = waitMs; left > 0 && watched.size > 0; left = until - performance.now())
        ends.push(...takeWithin(Math.ceil(left)));
      return [
        ...ends,
        ...[...watched].flatMap(([pid, each]) => (each.endedMs === undefined ? [] : [finish(pid, each)])),
      ];
    },
    [Symbol.dispose]() {
      forget();
      for (const { fd } of watched.values()) libc.closeFd(fd);
      libc.closeFd(epoll.fd);
    },
  };
}
