// How much the folders grow that a run may write to. Walking them is dear, so the file system is asked first: as long as all of it has not
// lost what the run may still take, the run has not taken it. Follows no link, opens nothing but folders.
// Does not stop: growth below the check's step of a twentieth of the limit; a file that a process hides and no folder names.

import { statfsSync, statSync } from "node:fs";
import { deletedBytes } from "./meter.ts";
import { diskBytes, walkTree } from "./tree.ts";

export type Growth = {
  /** Whether a walk could find more than the limit. */
  due(): boolean;
  /** Walks; the growth since the start in bytes, never below 0. `pids` are asked for files they hold that have no name any more. */
  measure(pids: number[]): Promise<number>;
};

const ENTRY_BYTES = 1024;
/** How long a walk works before it lets others. */
const SLICE_MS = 5;

/** What the folders hold, as `diskBytes` counts; a folder that cannot be read counts as empty. */
export async function measureFolders(roots: string[]): Promise<number> {
  let total = 0;
  let until = performance.now() + SLICE_MS;
  for (const root of roots) {
    const walk = walkTree(
      root,
      () => true,
      () => {},
    );
    for (const { stat } of walk) {
      total += diskBytes(stat);
      if (performance.now() < until) continue;
      await Bun.sleep(0);
      until = performance.now() + SLICE_MS;
    }
  }
  return total;
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

/** Watches the folders; `startBytes` is what they held before the run. */
export function watchGrowth(roots: string[], startBytes: number, limitBytes: number): Growth {
  const devices = new Map(roots.map((root) => [statSync(root).dev, root]));
  const one = [...devices.values()];
  let free = freeBytes(one);
  let grown = 0;
  return {
    due: () => free - freeBytes(one) >= Math.max(limitBytes - grown, limitBytes / 20),
    async measure(pids) {
      const now = freeBytes(one);
      const held = await measureFolders(roots);
      grown = Math.max(0, held + deletedBytes(pids, new Set(devices.keys())) - startBytes);
      free = now;
      return grown;
    },
  };
}
