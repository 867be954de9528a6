// What the processes of a sandbox use, added up from /proc (proc(5)): by descent from bwrap, because their pid namespace names no process
// out here. Reads only; whatever vanishes meanwhile is left out.
// Does not stop: memory that no process has mapped (a memfd that was only written to, a pipe's buffer) from being seen by nobody but
// `availableMemory`.

import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";

export type TreeReading = {
  /** bwrap, init, the client and all its descendants. */
  pids: number[];
  /** Resident sets added up: what processes share counts once for each. */
  memoryBytes: number;
  /** Threads, as the limit on processes counts them. */
  processes: number;
  /** Of what lives, with what it waited for. */
  cpuMs: number;
};

const CLOCK_TICKS_MS = 10; // USER_HZ is 100 on every architecture we run on
const AT_PAGESZ = 6n;

function pageBytes(): number {
  const auxv = readFileSync("/proc/self/auxv");
  for (let at = 0; at + 16 <= auxv.length; at += 16) {
    if (auxv.readBigUInt64LE(at) === AT_PAGESZ) return Number(auxv.readBigUInt64LE(at + 8));
  }
  return 4096;
}
const PAGE_BYTES = pageBytes();

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Whether this kernel says which children a process has; without that nothing can be added up. */
export function canReadTree(): boolean {
  return existsSync(`/proc/self/task/${process.pid}/children`);
}

function childrenOf(pid: number, threads: number): number[] {
  const tasks = threads === 1 ? [String(pid)] : namesIn(`/proc/${pid}/task`);
  const text = tasks.map((task) => read(`/proc/${pid}/task/${task}/children`)).join("");
  return text === "" ? [] : text.trim().split(" ").map(Number);
}

/** What `root` and all its descendants use now. */
export function readTree(root: number): TreeReading {
  const reading: TreeReading = { pids: [], memoryBytes: 0, processes: 0, cpuMs: 0 };
  const pending = [root];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    const stat = read(`/proc/${pid}/stat`);
    // The name in parentheses may hold anything; what follows it begins with field 3.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const field = (number: number) => Number(fields[number - 3]);
    if (fields.length < 22) continue;
    const threads = field(20);
    reading.pids.push(pid);
    reading.processes += threads;
    reading.memoryBytes += field(24) * PAGE_BYTES;
    reading.cpuMs += (field(14) + field(15) + field(16) + field(17)) * CLOCK_TICKS_MS;
    for (const child of childrenOf(pid, threads)) pending.push(child);
  }
  return reading;
}

/** Memory of these processes with what they share counted once (PSS); a process that hides it counts with its resident set. */
export function proportionalMemory(pids: number[]): number {
  let total = 0;
  for (const pid of pids) {
    const shared = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1];
    const kib = shared ?? /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? "0";
    total += Number(kib) * 1024;
  }
  return total;
}

/** What the machine could still give without swapping, in bytes. */
export function availableMemory(): number {
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(read("/proc/meminfo"))?.[1] ?? "0") * 1024;
}

/** Size on the device of files that these processes hold open and that no folder names any more. */
export function deletedBytes(pids: number[], devices: ReadonlySet<number>): number {
  const files = new Map<string, number>();
  for (const pid of pids) {
    for (const fd of namesIn(`/proc/${pid}/fd`)) {
      const path = `/proc/${pid}/fd/${fd}`;
      try {
        if (!readlinkSync(path).endsWith(" (deleted)")) continue;
        const stat = statSync(path);
        if (stat.nlink === 0 && devices.has(stat.dev)) files.set(`${stat.dev}:${stat.ino}`, stat.blocks * 512);
      } catch {
        // Gone, or hidden from us.
      }
    }
  }
  return [...files.values()].reduce((sum, size) => sum + size, 0);
}
