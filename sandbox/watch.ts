// Watches what a run uses while it goes on and says when a limit is reached: what the kernel holds by a control group, and what nothing
// holds but this. Between looks it asks only what costs next to nothing; a whole look costs about one part in three hundred of a processor.
// Does not stop: what is used up between two looks.

import { statfsSync } from "node:fs";
import { totalmem } from "node:os";
import type { LimitGroup } from "./cgroup.ts";
import type { Growth } from "./growth.ts";
import { type LimitName, type LimitsUsed, type Reached, type RunLimits, SHM_BYTES } from "./limits.ts";
import { availableMemory, proportionalMemory, readTree, type TreeReading } from "./meter.ts";

const TICK_MS = 100;
const LOOK_MS = 1000;
/** While something is full. */
const NEAR_MS = 250;
/** A look may take a three-hundredth of the time, */
const COST_FACTOR = 300;
/** but is never put off for longer. */
const LONGEST_MS = 3000;
/** At its limit for so many looks in a row: a program that meets it once in passing goes on. */
const FULL_LOOKS = 3;
const NEAR = 0.95;
/** Below this part of the machine's memory the run is ended, whoever uses it: the kernel would choose it first anyway. */
const LEAST_MEMORY = 1 / 32;

export type Watch = Disposable & {
  reached(): Reached | undefined;
  countOutput(bytes: number): void;
  /** Time does not count until it is resumed. */
  pause(): void;
  resume(): void;
  /** Last readings, once the sandbox has ended. `largestBytes`: the largest process; `growthBytes` as the caller found it; `gone`: without a word. */
  finish(told: {
    cpuMs: number;
    largestBytes: number;
    writtenBytes: number;
    growthBytes: number;
    gone: boolean;
  }): LimitsUsed;
};

export type WatchOptions = {
  limits: RunLimits;
  /** bwrap's process, the ancestor of all others. */
  root: number;
  /** Resolves when the sandbox has ended: nothing is looked at after it, its numbers may be somebody else's. */
  ended: Promise<unknown>;
  group: LimitGroup | undefined;
  growth: Growth;
  /** For how long there was no sign of life, in ms. */
  quietMs(): number;
  /** Whether /tmp and /dev/shm are the run's own. */
  ownTmp: boolean;
  /** Called once. */
  onReached(reached: Reached): void;
};

/** Starts watching; stops when disposed. */
export function watchLimits({ limits, root, ended, group, growth, quietMs, ownTmp, onReached }: WatchOptions): Watch {
  let first: Reached | undefined;
  let outputBytes = 0;
  let cpuMs = 0;
  let peakMemoryBytes = 0;
  let mostGrown = 0;
  let peakProcesses: number | null = null;
  const full: Partial<Record<LimitName, number>> = {};
  const memoryHeld = group?.holds.has("memory") ?? false;
  const leastMemory = totalmem() * LEAST_MEMORY;
  let memoryLeft = availableMemory();
  let nextLook = performance.now() + TICK_MS;
  let measuring = false;
  let disposed = false;

  const reach = (which: LimitName, value: number, limit: number) => {
    if (first !== undefined || disposed) return;
    first = { which, value, limit };
    onReached(first);
  };
  const over = (which: LimitName, value: number, limit: number | null) => {
    if (limit !== null && value > limit) reach(which, value, limit);
  };
  const stays = (which: LimitName, value: number, limit: number, isFull: boolean) => {
    full[which] = isFull ? (full[which] ?? 0) + 1 : 0;
    if (full[which] >= FULL_LOOKS) reach(which, value, limit);
  };

  const look = () => {
    // Processor time: on a busy machine most of a look is waiting for a turn.
    const before = process.cpuUsage();
    const tree = readTree(root);
    const held = group?.read();
    const processes = held?.processes ?? tree.processes;
    cpuMs = Math.max(cpuMs, held?.cpuMs ?? tree.cpuMs);
    peakMemoryBytes = Math.max(peakMemoryBytes, memoryHeld ? (held?.memoryBytes ?? 0) : tree.memoryBytes);
    peakProcesses = Math.max(peakProcesses ?? 0, processes);
    if (memoryHeld) judgeKills();
    else judgeMemory(tree);
    const near = limits.processes !== null && processes >= Math.floor(limits.processes * NEAR);
    if (limits.processes !== null) stays("pids", processes, limits.processes, near);
    if (ownTmp) judgeScratch(tree.pids);
    const close = Object.values(full).some((looks) => looks > 0);
    const { user, system } = process.cpuUsage(before);
    const pause = Math.max(LOOK_MS, Math.min(((user + system) / 1000) * COST_FACTOR, LONGEST_MS));
    nextLook = performance.now() + (close ? NEAR_MS : pause);
  };
  const judgeKills = () => {
    const reading = group?.read();
    if (reading !== undefined && reading.memoryKills > 0 && limits.memoryBytes !== null)
      reach("memory", reading.peakMemoryBytes ?? limits.memoryBytes, limits.memoryBytes);
  };
  const judgeMemory = ({ pids, memoryBytes }: TreeReading) => {
    memoryLeft = availableMemory();
    if (limits.memoryBytes === null) return;
    if (memoryBytes > limits.memoryBytes) over("memory", proportionalMemory(pids), limits.memoryBytes);
    if (memoryLeft < leastMemory) reach("memory", memoryBytes, limits.memoryBytes);
  };
  const judgeScratch = (pids: number[]) => {
    const { tmpBytes } = limits;
    const sizes = { tmp: ["tmp", tmpBytes], shm: ["dev/shm", SHM_BYTES] } as const;
    for (const which of ["tmp", "shm"] as const) {
      const [path, size] = sizes[which];
      const left = freeIn(pids, path);
      if (left !== undefined && size !== null) stays(which, size - left, size, left === 0);
    }
  };
  const tick = () => {
    if (first !== undefined) return;
    over("idle", quietMs(), limits.idleMs);
    // The whole machine has not lost what the run may take: then the run has not taken it.
    const quick = !memoryHeld && limits.memoryBytes !== null && memoryDropped(limits.memoryBytes);
    if (quick || performance.now() >= nextLook) look();
    if (limits.growthBytes !== null && !measuring && growth.due()) {
      measuring = true;
      const limit = limits.growthBytes;
      void growth.measure(readTree(root).pids).then((grown) => {
        measuring = false;
        mostGrown = Math.max(mostGrown, grown);
        over("growth", grown, limit);
      });
    }
  };
  const memoryDropped = (limit: number) =>
    memoryLeft - availableMemory() > Math.max(limit - peakMemoryBytes, limit / 8);

  const ticking = setInterval(tick, TICK_MS);
  const { timeoutMs } = limits;
  let leftMs = timeoutMs;
  let since: number | undefined;
  let timer: Timer | undefined;
  const run = () => {
    if (timeoutMs === null || leftMs === null || since !== undefined || disposed) return;
    since = performance.now();
    timer = setTimeout(() => reach("timeout", timeoutMs, timeoutMs), leftMs);
  };
  const pause = () => {
    if (leftMs === null || since === undefined) return;
    leftMs = Math.max(0, leftMs - (performance.now() - since));
    since = undefined;
    clearTimeout(timer);
  };
  run();
  const rest = () => {
    clearInterval(ticking);
    clearTimeout(timer);
  };
  void ended.finally(rest);
  return {
    reached: () => first,
    pause,
    resume: run,
    countOutput(bytes) {
      outputBytes += bytes;
      over("output", outputBytes, limits.outputBytes);
    },
    finish(told) {
      if (memoryHeld) judgeKills();
      over("growth", told.growthBytes, limits.growthBytes);
      const held = group?.read();
      // Where init could not be spared and nobody gets another thread, it may be the one that dies of it.
      if (told.gone && limits.processes !== null && (held?.forkRefusals ?? 0) > 0)
        reach("pids", peakProcesses ?? limits.processes, limits.processes);
      return {
        peakMemoryBytes: memoryHeld
          ? (held?.peakMemoryBytes ?? peakMemoryBytes)
          : Math.max(peakMemoryBytes, told.largestBytes),
        cpuMs: Math.round(Math.max(cpuMs, held?.cpuMs ?? 0, told.cpuMs)),
        peakProcesses: held?.peakProcesses ?? peakProcesses,
        writtenBytes: Math.max(told.writtenBytes, told.growthBytes, mostGrown),
        outputBytes,
        growthBytes: told.growthBytes,
        countedBy: memoryHeld ? "cgroup" : "samples",
      };
    },
    [Symbol.dispose]() {
      disposed = true;
      rest();
    },
  };
}

/** Bytes free on a file system of the sandbox, seen through the youngest process that lets us; undefined when none does. */
function freeIn(pids: number[], path: string): number | undefined {
  for (const pid of pids.toReversed().slice(0, 3)) {
    try {
      const { bfree, bsize } = statfsSync(`/proc/${pid}/root/${path}`);
      return bfree * bsize;
    } catch {
      // Gone, or hidden from us.
    }
  }
  return undefined;
}
