// Stops every process of the sandbox at once and lets them go on: in init, with signals that none of them can catch, in a pid namespace that holds
// nobody else. Those that had stopped by themselves stay so.
// Does not stop: what a process had under way in the kernel.

import * as libc from "./libc.ts";
import { type Arch, syscallNumber } from "./syscalls.ts";

const SIGSTOP = 19;
const SIGCONT = 18;

/** The processes of this namespace but init, with their states (proc(5)). */
function others(): { pid: number; stopped: boolean }[] {
  // Not imported: init would be 5 ms later for what few runs ever need.
  const { readdirSync, readFileSync } = process.getBuiltinModule("node:fs");
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || name === "1") return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      return [{ pid: Number(name), stopped: stat.slice(stat.lastIndexOf(")") + 2).startsWith("T") }];
    } catch {
      return []; // it has ended
    }
  });
}

/**
 * Sends a signal to every process of this pid namespace but the caller (kill(2), -1). Only pid 1 of a sandbox may: anywhere else it would be every
 * process of the user.
 */
function signalAllOthers(arch: Arch, signal: number): void {
  if (process.pid !== 1 || !process.argv[1]?.endsWith("/sandbox/init.ts"))
    throw new RangeError("not the first process of a sandbox");
  libc.systemCall(syscallNumber(arch, "kill"), -1, signal);
}

/** Freezes once; a second call finds it done. */
export function makeFreezer(arch: Arch): { freeze(): void; thaw(): void; frozen(): boolean } {
  let apart: Set<number> | undefined;
  return {
    freeze() {
      if (apart !== undefined) return;
      apart = new Set(others().flatMap(({ pid, stopped }) => (stopped ? [pid] : [])));
      // kill(2) with -1 misses no child that is being made: a process with a signal pending makes none.
      if (others().length > 0) signalAllOthers(arch, SIGSTOP);
    },
    thaw() {
      const before = apart ?? new Set();
      apart = undefined;
      for (const { pid } of others()) {
        try {
          if (!before.has(pid)) libc.sendSignal(pid, SIGCONT);
        } catch (error) {
          // Killed while it was frozen.
          if (!(error instanceof libc.LibcError)) throw error;
        }
      }
    },
    frozen: () => apart !== undefined,
  };
}
