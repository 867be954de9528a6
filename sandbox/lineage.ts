// Which process a thread belongs to and who its parents are, read from /proc in as few bytes as possible: it is done for every exec.
// Does not stop: a number from being given to another process between two reads.

import { closeSync, openSync, readSync } from "node:fs";

const MAX_LINEAGE = 32;
const text = Buffer.alloc(4096);

function readSmall(path: string): string {
  const fd = openSync(path, "r");
  try {
    return text.toString("latin1", 0, readSync(fd, text, 0, text.length, 0));
  } finally {
    closeSync(fd);
  }
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

/** Parents from the nearest up to `init`. */
export function lineageOf(parent: number, init: number): number[] {
  const pids: number[] = [];
  for (let next = parent; next > 1 && pids.length < MAX_LINEAGE; next = processOf(next)?.parent ?? 0) {
    pids.push(next);
    if (next === init) break;
  }
  return pids;
}
