// When processes that were seen running a program end, and how: a descriptor for each (pidfd_open(2)), all behind one epoll instance. In the
// observer's thread. How one ended is known from Linux 6.15 on (PIDFD_INFO_EXIT), once its parent has asked for it; when it ended, always.
// Does not stop: more processes at once than are watched; the end of one beyond that is not seen.

import { openEpoll } from "./epoll.ts";
import type { Arch } from "./host.ts";
import * as libc from "./libc.ts";
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
  /** Watches a process that cannot end meanwhile: its call is being held. */
  add(pid: number): void;
  /** What ended since the last call. */
  take(): ExecEnd[];
  /** The same at the end of everything, waiting at most so long for parents to ask. */
  rest(waitMs: number): ExecEnd[];
};

type Watched = { fd: number; endedMs: number | undefined };

/** How the process behind a descriptor ended; undefined as long as nobody may know. */
function statusOf(fd: number): { code: number | null; signal: number | null } | undefined {
  const info = new Uint8Array(pidfdInfo.bytes);
  const view = new DataView(info.buffer);
  view.setBigUint64(0, pidfdInfo.exit, true);
  try {
    libc.ioctl(fd, pidfdInfo.request, info);
  } catch (error) {
    if (error instanceof libc.LibcError) return undefined; // an older kernel, or it is gone without a word
    throw error;
  }
  if ((view.getBigUint64(0, true) & pidfdInfo.exit) === 0n) return undefined;
  const status = view.getInt32(pidfdInfo.exitCodeAt, true);
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
      if (changed.length === 0) {
        notedMs = undefined;
        return ends;
      }
      for (const { data: pid, hungUp } of changed) {
        const process = watched.get(pid);
        if (process === undefined) continue;
        process.endedMs ??= notedMs ?? Date.now();
        // Of several only the first ended then.
        notedMs = undefined;
        // First it has ended, then its parent has asked how.
        if (hungUp) ends.push(finish(pid, process));
      }
    }
  };
  return {
    fd: epoll.fd,
    note: () => void (notedMs ??= Date.now()),
    noted: () => notedMs !== undefined,
    add(pid) {
      if (watched.has(pid) || watched.size >= MAX_WATCHED) return;
      let fd: number | undefined;
      try {
        fd = libc.systemCall(pidfdOpen, pid);
        epoll.add(fd, pid);
        watched.set(pid, { fd, endedMs: undefined });
      } catch (error) {
        if (fd !== undefined) libc.closeFd(fd);
        if (!(error instanceof libc.LibcError)) throw error;
      }
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
      for (const { fd } of watched.values()) libc.closeFd(fd);
      libc.closeFd(epoll.fd);
    },
  };
}
