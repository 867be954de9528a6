// How much the folders grow that a run may write to. Walking them is dear, so the file system is asked first: as long as all of it has not
// lost what the run may still take, the run has not taken it, unless others gave back as much; so they are walked now and then all the same.
// Follows no link, opens nothing but folders.
// Does not stop: growth between two questions, or two walks where others give back what is taken; a nameless file held by a process that hides its descriptors, until the file system lost the limit.

import { statfsSync, statSync } from "node:fs";
import { deletedBytes } from "./meter.ts";
import { diskBytes, walkTree } from "./tree.ts";

/** What folders hold, as `diskBytes` counts, and how many entries could not be looked at: what they hold is not in it. */
export type Held = { bytes: number; unreadable: number };

export type Growth = {
  /** Whether a walk could find more than the limit. */
  due(): boolean;
  /** Walks; the growth since the start in bytes. `pids` are asked for files they hold that have no name any more. */
  measure(pids: number[]): Promise<number>;
  /** The growth, never below 0, when the folders hold this. */
  grown(held: Held): number;
};

const ENTRY_BYTES = 1024;
/** How long a walk works before it lets others. */
const SLICE_MS = 5;
/** The longest without a walk, and a walk's share of the time between two: half a percent at most. */
const WALK_EVERY_MS = 10_000;
const WALK_SHARE = 200;

/** What the folders hold; one that is not there or not a folder holds nothing. */
export async function measureFolders(roots: string[]): Promise<Held> {
  const held: Held = { bytes: 0, unreadable: 0 };
  let until = performance.now() + SLICE_MS;
  for (const root of roots.filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory())) {
    const walk = walkTree(
      root,
      () => true,
      () => (held.unreadable += 1),
    );
    for (const { stat } of walk) {
      held.bytes += diskBytes(stat);
      if (performance.now() < until) continue;
      await Bun.sleep(0);
      until = performance.now() + SLICE_MS;
    }
  }
  return held;
}

/** Bytes, and inodes at what one costs, that the file systems of these folders have left together. */
function freeBytes(folders: string[]): number {
  return folders.reduce((sum, folder) => {
    try {
      const { bfree, bsize, ffree } = statfsSync(folder);
      return sum + bfree * bsize + ffree * ENTRY_BYTES;
    } catch {
      return sum; // taken away from outside: as if it were full, so that a walk finds out
    }
  }, 0);
}

/**
 * Watches the folders; `start` is what they held before the run, `limitBytes` null when they may grow as they like. `through` are overlays, by which
 * files in the folders are held open; `askFree` says what the file systems of some folders have left together, `nowMs` a time that never goes back.
 */
export function watchGrowth(
  roots: string[],
  start: Held,
  limitBytes: number | null,
  {
    through = [],
    askFree = freeBytes,
    nowMs = () => performance.now(),
  }: { through?: readonly string[]; askFree?: (folders: string[]) => number; nowMs?: () => number } = {},
): Growth {
  const devices = new Map(roots.map((root) => [statSync(root).dev, root]));
  const holding = new Set([...devices.keys(), ...through.map((path) => statSync(path).dev)]);
  const one = [...devices.values()];
  const freeAtStart = askFree(one);
  let free = freeAtStart;
  let last = 0;
  let walked = { atMs: nowMs(), tookMs: 0 };
  const isLate = () => nowMs() - walked.atMs >= Math.max(WALK_EVERY_MS, walked.tookMs * WALK_SHARE);
  const grown = ({ bytes, unreadable }: Held): number => {
    const seen = Math.max(0, bytes - start.bytes);
    // Somebody hid a part (a folder closed to us, paths too long to name): then what the whole file system lost is all there is to go by.
    return unreadable > start.unreadable ? Math.max(seen, freeAtStart - askFree(one)) : seen;
  };
  return {
    grown,
    due: () => limitBytes !== null && (free - askFree(one) >= Math.max(limitBytes - last, limitBytes / 20) || isLate()),
    async measure(pids) {
      const [now, fromMs] = [askFree(one), nowMs()];
      const { bytes, unreadable } = await measureFolders(roots);
      last = grown({ bytes: bytes + deletedBytes(pids, holding), unreadable });
      free = now;
      walked = { atMs: nowMs(), tookMs: nowMs() - fromMs };
      return last;
    },
  };
}
