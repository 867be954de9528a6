// What a run needs only while it goes on, taken away after it; the same after an orderly end and after a crash. Works by name alone and
// follows no link the client may have left.

import { rmSync } from "node:fs";
import { type Home, runPaths } from "#src/state/paths.ts";
import { pruneClientHome, removeTree } from "./client-home.ts";
import { releaseTree } from "./hold.ts";
import { sweepRun } from "./allowed.ts";
import { clearUserState } from "./user-state.ts";

/** Leaves of a run its record and what its client keeps. `late`: its supervisor died before. A second call finds nothing to do. */
export function clearRun(home: Home, runId: string, keep: string[], { late }: { late: boolean }): void {
  const paths = runPaths(home, runId);
  try {
    releaseTree(home, runId);
  } finally {
    sweepRun(paths, { late });
  }
  clearUserState(paths.userState);
  pruneClientHome(paths.clientHome, keep);
  removeTree(Buffer.from(paths.verification));
  for (const path of [paths.shims, paths.events, paths.mask, paths.socketDir])
    rmSync(path, { recursive: true, force: true });
}
