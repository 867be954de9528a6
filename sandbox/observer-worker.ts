// The exec observer's own thread: receives the listener from stage two, then answers every execve/execveat with "continue" after reading
// what is being run. Blocking calls live here so that the supervisor never waits.
// Does not stop: anything. What it reads from the target's memory can be changed by another thread of the target before the kernel
// reads it again, so a path seen here is an observation of intent; the resolved file is what /proc shows afterwards.

import { closeSync, openSync, readlinkSync, readSync } from "node:fs";
import * as libc from "./libc.ts";
import type { ObservedExec, ObserverMessage } from "./observer.ts";
import { seccompIoctl, syscallNumber } from "./syscalls.ts";
import type { Arch } from "./host.ts";

declare const self: Worker & { onmessage: ((event: MessageEvent<ObserverStart>) => void) | null };

/** `waiting` counts the execs that were told and not yet taken in. */
export type ObserverStart = { socket: number; stop: number; arch: Arch; waiting: Int32Array<SharedArrayBuffer> };

const NOTIF_BYTES = 80;
const RESPONSE_BYTES = 24;
const FLAG_CONTINUE = 1;
const MAX_PATH_BYTES = 4096;
// As much as is ever recorded.
const MAX_ARGS = 256;
const MAX_ARGS_BYTES = 16 * 1024;
/** A worker that starts programs faster than they are recorded is held until they are. */
const MAX_WAITING = 256;
const WAIT_MS = 50;
const EINTR = 4;
const ENOENT = 2;

function post(message: ObserverMessage): void {
  self.postMessage(message);
}

function readBytes(memory: number, address: bigint, size: number): Buffer {
  const buffer = Buffer.alloc(size);
  // A read that crosses into an unmapped page comes back short, which is what a string near the end of a mapping needs.
  const bytes = readSync(memory, buffer, 0, size, Number(address));
  return buffer.subarray(0, bytes);
}

function readString(memory: number, address: bigint, max: number): { text: string; bytes: number; cut: boolean } {
  const PAGE = 4096n;
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

function readArgs(memory: number, address: bigint): { args: string[]; cut: boolean } {
  const args: string[] = [];
  if (address === 0n) return { args, cut: false };
  let left = MAX_ARGS_BYTES;
  for (let index = 0; index < MAX_ARGS; index++) {
    const word = readBytes(memory, address + BigInt(index * 8), 8);
    if (word.length < 8) return { args, cut: true };
    const pointer = word.readBigUInt64LE();
    if (pointer === 0n) return { args, cut: false };
    const read = readString(memory, pointer, left);
    args.push(read.text);
    left -= read.bytes;
    if (read.cut) return { args, cut: true };
  }
  return { args, cut: true };
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function observe(pid: number, number: number, args: bigint[], arch: Arch): ObservedExec {
  const at = number === syscallNumber(arch, "execveat") ? 1 : 0;
  const base = { pid, cwd: link(`/proc/${pid}/cwd`), exe: link(`/proc/${pid}/exe`) };
  let memory: number;
  try {
    memory = openSync(`/proc/${pid}/mem`, "r");
  } catch {
    return { ...base, path: null, argv: [], cut: true };
  }
  try {
    const { text: path } = readString(memory, args[at]!, MAX_PATH_BYTES);
    const { args: argv, cut } = readArgs(memory, args[at + 1]!);
    const empty = path === "" && at === 1;
    return { ...base, path: empty ? link(`/proc/${pid}/fd/${Number(BigInt.asIntN(32, args[0]!))}`) : path, argv, cut };
  } catch {
    return { ...base, path: null, argv: [], cut: true };
  } finally {
    closeSync(memory);
  }
}

/** Waits until the supervisor has taken in what it was told; false when it wants no more. */
function awaitRoom(waiting: Int32Array<SharedArrayBuffer>, stop: number): boolean {
  for (let now = Atomics.load(waiting, 0); now >= MAX_WAITING; now = Atomics.load(waiting, 0)) {
    Atomics.wait(waiting, 0, now, WAIT_MS);
    if (libc.pollInput([stop], 0)[0] !== 0) return false;
  }
  return true;
}

function watch(listener: number, { stop, arch, waiting }: ObserverStart): void {
  const ioctls = seccompIoctl;
  while (awaitRoom(waiting, stop)) {
    const [ready = 0, stopped = 0] = libc.pollInput([listener, stop], -1);
    if (stopped !== 0) return;
    if ((ready & libc.POLLIN) === 0) {
      if (ready !== 0) return; // hung up: the last process that had the filter is gone
      continue;
    }
    const notification = new Uint8Array(NOTIF_BYTES);
    const view = new DataView(notification.buffer);
    try {
      libc.ioctl(listener, ioctls.receive, notification);
    } catch (error) {
      if (error instanceof libc.LibcError && (error.errno === EINTR || error.errno === ENOENT)) continue;
      throw error;
    }
    const id = view.getBigUint64(0, true);
    const args = Array.from({ length: 6 }, (_, index) => view.getBigUint64(32 + index * 8, true));
    const seen = observe(view.getUint32(8, true), view.getInt32(16, true), args, arch);
    const response = new Uint8Array(RESPONSE_BYTES);
    const answer = new DataView(response.buffer);
    answer.setBigUint64(0, id, true);
    answer.setUint32(20, FLAG_CONTINUE, true);
    try {
      libc.ioctl(listener, ioctls.valid, notification.subarray(0, 8));
      libc.ioctl(listener, ioctls.send, response);
      Atomics.add(waiting, 0, 1);
      post({ kind: "exec", exec: seen });
    } catch (error) {
      // ENOENT: the target died meanwhile, so what was read may be of another process and is dropped.
      if (!(error instanceof libc.LibcError) || error.errno !== ENOENT) throw error;
    }
  }
}

self.onmessage = ({ data }) => {
  try {
    const ready = libc.pollInput([data.socket, data.stop], -1);
    const listener = ready[1] === 0 ? libc.receiveFd(data.socket) : undefined;
    libc.closeFd(data.socket);
    if (listener === undefined) {
      post({ kind: "closed", attached: false });
      return;
    }
    post({ kind: "attached" });
    watch(listener, data);
    libc.closeFd(listener);
    post({ kind: "closed", attached: true });
  } catch (error) {
    post({ kind: "died", reason: error instanceof libc.LibcError ? error.message : "internal error" });
  }
};
post({ kind: "loaded" });
