// A limit on the number of processes where RLIMIT_NPROC has none: root is exempt from it. Uses the pids controller of cgroup v1 or v2, where
// this process may make a group below its own (cgroups(7)).
// Does not stop: anything but the number of processes; where no group can be made the caller must say so.

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export type ProcessGroup = {
  /** Words to put before a command so that it and all it starts are in the group from their first instruction. */
  prefix: string[];
  /** Removes the group; only once everything in it has ended. */
  remove(): Promise<void>;
};

const REMOVE_TRIES = 100;
const REMOVE_PAUSE_MS = 10;

/** Where this process's own group is, in each hierarchy that could count processes. `text` is /proc/self/cgroup. */
export function pidsHierarchies(text: string): string[] {
  const lines = text.split("\n").map((line) => line.split(":"));
  const v1 = lines.find(([, controllers]) => controllers?.split(",").includes("pids"));
  const v2 = lines.find(([id, controllers]) => id === "0" && controllers === "");
  return [
    ...(v1 === undefined ? [] : [join("/sys/fs/cgroup/pids", v1.slice(2).join(":"))]),
    ...(v2 === undefined ? [] : [join("/sys/fs/cgroup", v2.slice(2).join(":"))]),
  ];
}

const nameOf = (run: string) => `broke-${run}`;

/** Removes what a supervisor that was killed left of its run's group; does nothing where there is none, or it is in use. */
export function dropProcessGroup(run: string): void {
  for (const parent of pidsHierarchies(readFileSync("/proc/self/cgroup", "utf8"))) {
    try {
      rmdirSync(join(parent, nameOf(run)));
    } catch {
      // Not there, or not empty: then its processes are still ending, and an empty group limits nobody.
    }
  }
}

/** Makes a group for a run that holds at most `max` processes and threads; undefined when none can be made here. */
export function makeProcessGroup(run: string, max: number): ProcessGroup | undefined {
  for (const parent of pidsHierarchies(readFileSync("/proc/self/cgroup", "utf8"))) {
    const folder = join(parent, nameOf(run));
    try {
      mkdirSync(folder);
    } catch {
      continue; // not ours to divide, or not there
    }
    try {
      if (existsSync(join(folder, "cgroup.procs"))) {
        writeFileSync(join(folder, "pids.max"), String(max), { flag: "r+" });
        return group(folder);
      }
    } catch {
      // A group without the pids controller limits nothing.
    }
    rmdirSync(folder);
  }
  return undefined;
}

function group(folder: string): ProcessGroup {
  return {
    prefix: ["/bin/sh", "-c", 'echo 0 > "$0" && exec "$@"', join(folder, "cgroup.procs")],
    async remove() {
      // The kernel lets go of the last process a moment after its parent has seen it end.
      for (let left = REMOVE_TRIES; left > 0; left--) {
        try {
          return rmdirSync(folder);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
          await Bun.sleep(REMOVE_PAUSE_MS);
        }
      }
    },
  };
}
