// A launch prepared to the end and not made: the very plan a run would have, and nothing of it left on disk. Nothing is started, recorded or
// changed in the workspace.

import { closeSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { newRunId } from "#src/core/ids.ts";
import { runPaths } from "#src/state/paths.ts";
import { classOf } from "#sandbox/env-permission.ts";
import { plannedPlaceholders } from "#sandbox/placeholders.ts";
import { planSandbox, type SandboxPlan } from "#sandbox/plan.ts";
import { profileOf } from "#sandbox/profile.ts";
import { findProtected } from "#sandbox/protected.ts";
import { openedOf, type RunContract } from "./contract/contract.ts";
import { NOTHING_HELD } from "./hold.ts";
import { takeLock } from "./lock.ts";
import { type Prepared, prepareRun } from "./prepare.ts";
import { placeholderOf } from "./routes.ts";
import type { RunDeps } from "./run.ts";
import { weakControls } from "./weak-controls.ts";
import { unprotectedBy } from "./unprotected.ts";
import { loadedBy } from "./workspace.ts";
import { onTerminal } from "./terminal.ts";

/** What stands for the run's token. */
const TOKEN = "{token}";

export type Preview = {
  contract: RunContract;
  prepared: Prepared;
  plan: SandboxPlan;
  warnings: string[];
  unprotected: string[];
};

/** Prepares the launch, has it looked at, and takes everything away again. Throws what the launch would throw before it starts anything. */
export function previewRun<Seen>(deps: RunDeps, contract: RunContract, look: (preview: Preview) => Seen): Seen {
  const paths = runPaths(deps.home, newRunId(deps.clock()));
  mkdirSync(paths.root, { mode: 0o700 });
  // Held as a run is, so that nobody takes it for one that crashed.
  const lock = takeLock(paths.lock);
  try {
    const confined = profileOf(contract.profile).root === "allowlist";
    const protect = confined
      ? findProtected(contract.workspace, openedOf(contract), loadedBy(contract.workspace, openedOf(contract)))
      : NOTHING_HELD.protect;
    const placed = plannedPlaceholders(contract.workspace, protect.missing);
    const prepared = prepareRun({
      // A tree would be made of it: shown as the workspace it is made from.
      tree: { path: contract.workspace, objects: [] },
      ...{ contract, paths, protect, token: TOKEN, rehearsal: true, terminal: onTerminal(), brokeHome: deps.home.root },
      // Remembered between launches, and not this one's.
      identities: join(deps.home.live, "identities.json"),
      direct: placeholderOf(contract),
      ...{ env: deps.env, slots: deps.slots, keyNames: deps.keyNames, secrets: deps.secrets },
    });
    using _state = prepared.state;
    const hide = ([name, value]: [string, string]) =>
      [name, name in prepared.given && classOf(name) === "secret" ? `{${name}}` : value] as const;
    const env = Object.fromEntries(Object.entries(prepared.input.env).map(hide));
    const plan = planSandbox({ ...prepared.input, env, ignored: placed.map(({ path }) => path) });
    const { profile, host } = prepared.input;
    const open = unprotectedBy(deps.home, profile, contract.files, { env: deps.env, uid: host.uid });
    return look({ contract, prepared, plan, warnings: weakControls(deps, contract, prepared), unprotected: open });
  } finally {
    rmSync(paths.root, { recursive: true, force: true });
    if (lock !== undefined) closeSync(lock);
  }
}
