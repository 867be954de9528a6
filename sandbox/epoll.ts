// epoll(7) for the observer's thread: many descriptors, one to poll. Raw system calls, so that the door to libc stays as small as it is.

import type { Arch } from "./host.ts";
import * as libc from "./libc.ts";
import { syscallNumber } from "./syscalls.ts";

const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const EPOLLHUP = 0x10;
const EPOLLET = 0x80000000;
const EPOLL_CLOEXEC = 0o2000000;
const EINTR = 4;
/** As many changes are told by one wait. */
export const AT_ONCE = 64;

export type Epoll = {
  fd: number;
  /** Watches a descriptor, told once for each change of it; `data` comes back with it. */
  add(fd: number, data: number): void;
  /** What changed; empty when nothing did within `timeoutMs`, or a signal came. */
  wait(timeoutMs: number): { data: number; hungUp: boolean }[];
};

/** A new instance; its descriptor is the caller's to close. */
export function openEpoll(arch: Arch): Epoll {
  // struct epoll_event is packed on x86_64 alone (sys/epoll.h).
  const { size, dataAt } = arch === "x86_64" ? { size: 12, dataAt: 4 } : { size: 16, dataAt: 8 };
  const events = new Uint8Array(size * AT_ONCE);
  const view = new DataView(events.buffer);
  const fd = libc.systemCall(syscallNumber(arch, "epoll_create1"), EPOLL_CLOEXEC);
  const [ctl, pwait] = [syscallNumber(arch, "epoll_ctl"), syscallNumber(arch, "epoll_pwait")];
  const waitFor = (timeoutMs: number): number => {
    try {
      return libc.systemCall(pwait, fd, libc.addressOf(events), AT_ONCE, timeoutMs);
    } catch (error) {
      if (error instanceof libc.LibcError && error.errno === EINTR) return 0;
      throw error;
    }
  };
  return {
    fd,
    add(watched, data) {
      const event = new Uint8Array(size);
      const fields = new DataView(event.buffer);
      fields.setUint32(0, EPOLLIN | EPOLLET, true);
      fields.setUint32(dataAt, data, true);
      libc.systemCall(ctl, fd, EPOLL_CTL_ADD, watched, libc.addressOf(event));
    },
    wait: (timeoutMs) =>
      Array.from({ length: waitFor(timeoutMs) }, (_, index) => ({
        hungUp: (view.getUint32(index * size, true) & EPOLLHUP) !== 0,
        data: view.getUint32(index * size + dataAt, true),
      })),
  };
}
