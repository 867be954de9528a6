// The part of libc that waits for descriptors.

import { dlopen, ptr } from "bun:ffi";
import { check, errno, LibcError } from "./libc.ts";

const EPOLL_CLOEXEC = 0o2000000;
const EINTR = 4;

const lib = dlopen("libc.so.6", {
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  epoll_create1: { args: ["i32"], returns: "i32" },
  epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  epoll_wait: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
}).symbols;

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
  if (code === -1 && errno() !== EINTR) throw new LibcError("poll", errno());
  return fds.map((_, index) => (code === -1 ? 0 : view.getInt16(index * 8 + 6, true)));
}

const EPOLL_CTL_ADD = 1;
const EPOLLET = 0x80000000;
export const EPOLLHUP = 0x10;
// struct epoll_event is packed on x86_64 alone (sys/epoll.h).
const EVENT = process.arch === "x64" ? { bytes: 12, dataAt: 4 } : { bytes: 16, dataAt: 8 };

/** An epoll(7) instance, close-on-exec. */
export function openEpoll(): number {
  return check("epoll_create1", lib.epoll_create1(EPOLL_CLOEXEC));
}

/** Watches a descriptor for input and hang-up, told once for each change; `data` comes back with it. */
export function epollAdd(epoll: number, fd: number, data: number): void {
  const event = new DataView(new ArrayBuffer(EVENT.bytes));
  event.setUint32(0, POLLIN | EPOLLET, true);
  event.setUint32(EVENT.dataAt, data, true);
  check("epoll_ctl", lib.epoll_ctl(epoll, EPOLL_CTL_ADD, fd, ptr(new Uint8Array(event.buffer))));
}

/** What changed, at most 64 at a time; empty when nothing did within `timeoutMs`, or a signal came. */
export function epollWait(epoll: number, timeoutMs: number): { data: number; events: number }[] {
  const bytes = new Uint8Array(EVENT.bytes * 64);
  const found = lib.epoll_wait(epoll, ptr(bytes), 64, timeoutMs);
  if (found === -1 && errno() !== EINTR) throw new LibcError("epoll_wait", errno());
  const view = new DataView(bytes.buffer);
  return Array.from({ length: Math.max(0, found) }, (_, index) => ({
    events: view.getUint32(index * EVENT.bytes, true),
    data: view.getUint32(index * EVENT.bytes + EVENT.dataAt, true),
  }));
}
