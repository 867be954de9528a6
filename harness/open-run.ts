// A run begun: its folder, the lock its supervisor holds, the contract it was given, its row in the table.

import { constants, mkdirSync, openSync, writeFileSync } from "node:fs";
import type { Clock } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import { newRunId } from "#src/core/ids.ts";
import { type Home, type RunPaths, runPaths } from "#src/state/paths.ts";
import type { RunStore } from "#src/state/runs.ts";
import * as libc from "#sandbox/libc.ts";
import type { RunContract } from "./contract/contract.ts";
import { spellContract } from "./contract/terms.ts";

/** `lock` is a descriptor, the caller's to close. Throws `busy` when somebody else holds it. */
export function openRun(
  deps: { home: Home; runs: RunStore; clock: Clock },
  contract: RunContract,
): { runId: string; paths: RunPaths; lock: number } {
  const runId = newRunId(deps.clock());
  const paths = runPaths(deps.home, runId);
  mkdirSync(paths.root, { mode: 0o700 });
  const lock = openSync(paths.lock, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  if (!libc.tryLock(lock)) throw new BrokeError("busy", "the run is held by another process");
  writeFileSync(paths.contract, spellContract(contract), { mode: 0o600, flag: "wx" });
  deps.runs.add({
    id: runId,
    createdMs: deps.clock(),
    client: contract.client,
    profile: contract.profile,
    workspace: contract.workspace,
  });
  return { runId, paths, lock };
}
