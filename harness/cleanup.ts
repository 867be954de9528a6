// What a run needs only while it goes on, taken away after it; the same after an orderly end and after a crash. Works by name alone and
// follows no link the client may have left.

import { rmSync } from "node:fs";
import { runPaths } from "#src/state/paths.ts";
import { pruneClientHome } from "./client-home.ts";
import { type HoldDeps, releaseWorkspace } from "./hold.ts";
import { clearUserState } from "./user-state.ts";

/** Leaves of a run its record and what its client keeps. A second call finds nothing to do. */
export function clearRun(deps: HoldDeps, run: { id: string; workspace: string }, keep: string[]): void {
  const paths = runPaths(deps.home, run.id);
  releaseWorkspace(deps, run.id, run.workspace);
  clearUserState(paths.userState);
  pruneClientHome(paths.clientHome, keep);
  for (const path of [paths.shims, paths.events, paths.mask, paths.socketDir])
    rmSync(path, { recursive: true, force: true });
}
