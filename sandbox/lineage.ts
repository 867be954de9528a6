// Which process a thread belongs to and who its parents are, read from /proc in as few bytes as possible: it is done for every exec.
// Does not stop: a number from being given to another process between two reads.

import { closeFd } from "./libc.ts";
import { AT_FDCWD, fixedBytes, openAtFd, readAt } from "./libc-look.ts";

const MAX_LINEAGE = 32;
const O_CLOEXEC = 0o2000000;
const text = fixedBytes(4096);

function readSmall(path: string): string {
  const fd = openAtFd(AT_FDCWD, path, O_CLOEXEC);
  const bytes = readAt(fd, text, text.length, 0);
  closeFd(fd);
  if (bytes < 0) throw new RangeError("not readable");
  return text.toString("latin1", 0, bytes);
}

/** The process a thread belongs to, and its parent (proc(5)). `stat` costs half of `status`, which alone names the process. */
export function processOf(thread: number): { pid: number; parent: number } | undefined {
  try {
    const stat = readSmall(`/proc/${thread}/stat`);
    // The name in brackets may hold anything; fields from the state on follow the last one.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [parent, threads] = [Number(fields[1]), Number(fields[17])];
    if (threads < 2) return { pid: thread, parent };
    return { pid: Number(/^Tgid:\s*(\d+)/m.exec(readSmall(`/proc/${thread}/status`))?.[1] ?? thread), parent };
  } catch {
    return undefined;
  }
}

/** When a process began, in the kernel's ticks; null: it is gone. A number and this together name one process for as long as the machine is up. */
export function startOf(pid: number): number | null {
  try {
    const stat = readSmall(`/proc/${pid}/stat`);
    const [state, , ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? null : Number(fields[17]);
  } catch {
    return null;
  }
}

/** Parents change rarely, and a build asks for the same ones with every exec. */
const FRESH_MS = 20;
let known: { parent: number; init: number; until: number; pids: number[] } | undefined;

/** Parents from the nearest up to `init`, as they are or were a few milliseconds ago. */
export function lineageOf(parent: number, init: number): number[] {
  const now = performance.now();
  if (known?.parent === parent && known.init === init && now < known.until) return known.pids;
  const pids: number[] = [];
  for (let next = parent; next > 1 && pids.length < MAX_LINEAGE; next = processOf(next)?.parent ?? 0) {
    pids.push(next);
    if (next === init) break;
  }
  known = { parent, init, until: now + FRESH_MS, pids };
  return pids;
}
