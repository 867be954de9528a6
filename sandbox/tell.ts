// Says in one line, on the standard error of a process whose exec is being refused, why: the descriptor is the process's own, so it says it exactly
// where that program would have. Never waits: what cannot be written at once is not said. The refusal itself does not depend on it.
// Does not stop: a process from having closed its standard error, or pointed it anywhere it may write.

import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import type { Arch } from "./host.ts";
import * as libc from "./libc.ts";
import { syscallNumber } from "./syscalls.ts";

const STDERR = 2;
const SIGKILL = 9;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const O_CLOEXEC = 0o2000000;

function say(arch: Arch, fd: number, text: Uint8Array): void {
  const stat = fstatSync(fd);
  if (stat.isSocket())
    libc.systemCall(syscallNumber(arch, "sendto"), fd, libc.addressOf(text), text.length, MSG_DONTWAIT | MSG_NOSIGNAL);
  // Through its own open file: with its own rights, at its own place in the file.
  else if (stat.isFile()) writeSync(fd, text);
  else if (stat.isFIFO() || stat.isCharacterDevice()) {
    // Opened anew, because whether a write waits belongs to the open file, which is not ours to change.
    const own = openSync(
      `/proc/self/fd/${fd}`,
      constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY | O_CLOEXEC,
    );
    try {
      writeSync(own, text);
    } finally {
      closeSync(own);
    }
  }
}

/** Tells it; with `end` the process is killed then, while its call is still held. `isStill` says whether the number still means that process; it is asked once the process is held by a descriptor. */
export function tellRefusal(
  arch: Arch,
  { pid, text, end }: { pid: number; text: string; end: boolean },
  isStill: () => boolean,
): void {
  const open: number[] = [];
  try {
    const handle = libc.systemCall(syscallNumber(arch, "pidfd_open"), pid);
    open.push(handle);
    if (!isStill()) return;
    try {
      const fd = libc.systemCall(syscallNumber(arch, "pidfd_getfd"), handle, STDERR);
      open.push(fd);
      say(arch, fd, new TextEncoder().encode(`${text}\n`));
    } finally {
      if (end) libc.systemCall(syscallNumber(arch, "pidfd_send_signal"), handle, SIGKILL);
    }
  } catch {
    // Closed, full, or not ours to reach: then nothing is said.
  } finally {
    for (const fd of open) closeSync(fd);
  }
}
