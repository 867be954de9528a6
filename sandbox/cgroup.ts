// The kernel's own limits on all processes of a run together: control groups, v2 where this process may divide its own or the one above,
// else v1 (cgroups(7)). RLIMIT_NPROC holds everybody but root, and no rlimit holds more than one process.
// Does not stop: anything but number, memory and time of processes; what a group does not hold the caller must watch or own up to.

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export type Held = "processes" | "memory" | "cpu";
export type GroupLimits = { processes: number | null; memoryBytes: number | null; cpus: number | null };

/**
 * What the kernel counted; null where it does not. `memoryKills`: how often it killed because memory was used up; `forkRefusals`: how often it
 * made no process because there were too many.
 */
export type GroupReading = {
  memoryBytes: number | null;
  peakMemoryBytes: number | null;
  processes: number | null;
  peakProcesses: number | null;
  cpuMs: number | null;
  memoryKills: number;
  forkRefusals: number;
};

export type LimitGroup = {
  /** What it holds of what was asked for. */
  holds: ReadonlySet<Held>;
  /** Words to put before a command so that it and all it starts are in the group from their first instruction. */
  prefix: string[];
  /** Takes processes of our own out of it, so that what uses it up is not felt by them; what they started before stays. */
  spare(pids: number[]): void;
  read(): GroupReading;
  /** Removes the group; only once everything in it has ended. */
  remove(): Promise<void>;
};

const REMOVE_TRIES = 100;
const REMOVE_PAUSE_MS = 10;
const PERIOD_US = 100_000;
const ROOT = "/sys/fs/cgroup";
const V1_CONTROLLERS = ["pids", "memory", "cpu", "cpuacct"];

/** Folders a group may be made in. v2: the first that works holds everything; v1: one folder a hierarchy, with its controllers. */
export type Homes = { v2: string[]; v1: { controllers: string[]; parent: string }[] };

/** Where groups can be made by a process with this /proc/self/cgroup. */
export function groupHomes(text: string): Homes {
  const lines = text.split("\n").map((line) => line.split(":"));
  const own = lines
    .find(([id, controllers]) => id === "0" && controllers === "")
    ?.slice(2)
    .join(":");
  // A group with processes in it cannot hand controllers down to another: then one beside it is made, where a manager gave us the parent.
  const v2 = own === undefined ? [] : [...new Set([own, dirname(own)])].map((path) => join(ROOT, path));
  const v1 = lines.flatMap(([, names = "", ...path]) => {
    const controllers = names.split(",").filter((name) => V1_CONTROLLERS.includes(name));
    return controllers.length === 0 ? [] : [{ controllers, parent: join(ROOT, controllers[0]!, path.join(":")) }];
  });
  return { v2, v1 };
}

const nameOf = (run: string) => `broke-${run}`;
/** Beside a v2 group: one without limits, because a group that hands controllers down holds no process itself. */
const SPARED = "-spared";
const ownHomes = () => groupHomes(readFileSync("/proc/self/cgroup", "utf8"));

/** Removes what a supervisor that was killed left of its run's group; does nothing where there is none, or it is in use. */
export function dropLimitGroup(run: string): void {
  const { v2, v1 } = ownHomes();
  const parents = [...v2, ...v1.map((home) => home.parent)];
  for (const folder of parents.flatMap((parent) =>
    [nameOf(run), nameOf(run) + SPARED].map((name) => join(parent, name)),
  )) {
    try {
      rmdirSync(folder);
    } catch {
      // Not there, or not empty: then its processes are still ending, and an empty group limits nobody.
    }
  }
}

const set = (folder: string, file: string, value: string | number) =>
  writeFileSync(join(folder, file), String(value), { flag: "r+" });
const setIfThere = (folder: string, file: string, value: string | number) => {
  if (existsSync(join(folder, file))) set(folder, file, value);
};

function limitV2(folder: string, { processes, memoryBytes, cpus }: GroupLimits): Held[] {
  if (processes !== null) set(folder, "pids.max", processes);
  if (memoryBytes !== null) {
    set(folder, "memory.max", memoryBytes);
    setIfThere(folder, "memory.swap.max", 0);
    setIfThere(folder, "memory.oom.group", 1);
  }
  const held: Held[] = ["processes", "memory"];
  if (cpus === null || !existsSync(join(folder, "cpu.max"))) return held;
  set(folder, "cpu.max", `${Math.round(cpus * PERIOD_US)} ${PERIOD_US}`);
  return [...held, "cpu"];
}

function limitV1(folder: string, controllers: string[], { processes, memoryBytes, cpus }: GroupLimits): Held[] {
  const held: Held[] = [];
  if (controllers.includes("pids") && processes !== null) {
    set(folder, "pids.max", processes);
    held.push("processes");
  }
  if (controllers.includes("memory") && memoryBytes !== null) {
    set(folder, "memory.limit_in_bytes", memoryBytes);
    setIfThere(folder, "memory.memsw.limit_in_bytes", memoryBytes);
    held.push("memory");
  }
  if (controllers.includes("cpu") && cpus !== null) {
    set(folder, "cpu.cfs_period_us", PERIOD_US);
    set(folder, "cpu.cfs_quota_us", Math.round(cpus * PERIOD_US));
    held.push("cpu");
  }
  return held;
}

type Made = { folder: string; held: Held[] };

/** One folder made and limited; undefined, and nothing left of it, where that cannot be. */
function make(folder: string, limit: (folder: string) => Held[]): Made | undefined {
  try {
    mkdirSync(folder);
  } catch {
    return undefined; // not ours to divide, or not there
  }
  try {
    if (existsSync(join(folder, "cgroup.procs"))) return { folder, held: limit(folder) };
  } catch {
    // A group without the controllers limits nothing.
  }
  rmdirSync(folder);
  return undefined;
}

/** Makes a group for a run; undefined when none can be made here, or nothing is to be held. */
export function makeLimitGroup(run: string, limits: GroupLimits): LimitGroup | undefined {
  if (limits.processes === null && limits.memoryBytes === null && limits.cpus === null) return undefined;
  const { v2, v1 } = ownHomes();
  for (const parent of v2) {
    const made = make(join(parent, nameOf(run)), (folder) => limitV2(folder, limits));
    if (made !== undefined) return group([made], () => makeSpared(made.folder));
  }
  const useful = v1.filter(({ controllers }) => limits.cpus !== null || controllers.some((name) => name !== "cpu"));
  const made = useful.flatMap(({ controllers, parent }) => {
    const one = make(join(parent, nameOf(run)), (folder) => limitV1(folder, controllers, limits));
    return one === undefined ? [] : [one];
  });
  return made.length === 0 ? undefined : group(made, dirname);
}

const JOIN = 'while [ "$1" != -- ]; do echo 0 > "$1" || exit 125; shift; done; shift; exec "$@"';

function makeSpared(folder: string): string {
  mkdirSync(folder + SPARED);
  return folder + SPARED;
}

/** `spared` is where processes go that one of the folders is not to hold. */
function group(made: Made[], spared: (folder: string) => string): LimitGroup {
  const folders = made.map(({ folder }) => folder);
  const text = (file: string): string | undefined => {
    for (const folder of folders) {
      try {
        return readFileSync(join(folder, file), "utf8");
      } catch {
        // Another version's or another controller's file.
      }
    }
    return undefined;
  };
  const number = (...files: string[]): number | null => {
    for (const file of files) {
      const found = text(file);
      if (found !== undefined) return Number(found);
    }
    return null;
  };
  const member = (file: string, name: string): number | null => {
    const found = new RegExp(`^${name} (\\d+)$`, "m").exec(text(file) ?? "")?.[1];
    return found === undefined ? null : Number(found);
  };
  return {
    holds: new Set(made.flatMap(({ held }) => held)),
    prefix: ["/bin/sh", "-c", JOIN, "sh", ...folders.map((folder) => join(folder, "cgroup.procs")), "--"],
    spare(pids) {
      for (const folder of folders) {
        try {
          const outside = spared(folder);
          for (const pid of pids) set(outside, "cgroup.procs", pid);
        } catch {
          // Not ours to do here, or they are gone: then they are held as everything else is.
        }
      }
    },
    read() {
      const us = member("cpu.stat", "usage_usec");
      const ns = us === null ? number("cpuacct.usage") : us * 1000;
      return {
        memoryBytes: number("memory.current", "memory.usage_in_bytes"),
        peakMemoryBytes: number("memory.peak", "memory.max_usage_in_bytes"),
        processes: number("pids.current"),
        peakProcesses: number("pids.peak"),
        cpuMs: ns === null ? null : Math.round(ns / 1e6),
        memoryKills: member("memory.events", "oom_kill") ?? member("memory.oom_control", "oom_kill") ?? 0,
        forkRefusals: member("pids.events", "max") ?? 0,
      };
    },
    async remove() {
      for (const folder of folders) {
        await removeFolder(folder);
        await removeFolder(folder + SPARED);
      }
    },
  };
}

// The kernel lets go of the last process a moment after its parent has seen it end.
async function removeFolder(folder: string): Promise<void> {
  for (let left = REMOVE_TRIES; left > 0; left--) {
    try {
      return rmdirSync(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      await Bun.sleep(REMOVE_PAUSE_MS);
    }
  }
}
