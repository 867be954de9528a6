// Says in one line, on the standard error of a process whose exec is being refused, why: the descriptor is the process's own, so it says it exactly
// where that program would have. Never waits: what cannot be written at once is not said. The refusal itself does not depend on it.
// Does not stop: a process from having closed its standard error, or pointed it anywhere it may write.

import type { Arch } from "./host.ts";
import * as libc from "./libc.ts";
import { S_IFREG, writeText } from "./libc-files.ts";
import { AT_FDCWD, openAtFd, statOf } from "./libc-look.ts";
import { syscallNumber } from "./syscalls.ts";

const STDERR = 2;
const SIGKILL = 9;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const O_WRONLY = 1;
const O_NOCTTY = 0o400;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const S_IFMT = 0o170000;
const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;
const S_IFSOCK = 0o140000;

function say(arch: Arch, fd: number, text: string): void {
  const kind = statOf(fd).mode & S_IFMT;
  if (kind === S_IFSOCK) {
    const bytes = Buffer.from(text);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    libc.systemCall(syscallNumber(arch, "sendto"), fd, libc.addressOf(bytes), bytes.length, flags);
  }
  // Through its own open file: with its own rights, at its own place in the file.
  else if (kind === S_IFREG) writeText(fd, text);
  else if (kind === S_IFIFO || kind === S_IFCHR) {
    // Opened anew, because whether a write waits belongs to the open file, which is not ours to change.
    const own = openAtFd(AT_FDCWD, `/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    try {
      writeText(own, text);
    } finally {
      libc.closeFd(own);
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
      say(arch, fd, `${text}\n`);
    } finally {
      if (end) libc.systemCall(syscallNumber(arch, "pidfd_send_signal"), handle, SIGKILL);
    }
  } catch {
    // Closed, full, or not ours to reach: then nothing is said.
  } finally {
    for (const fd of open) libc.closeFd(fd);
  }
}
