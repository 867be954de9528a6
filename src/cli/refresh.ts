// Before a command looks, where the state is shared: what is so everywhere is so here. Where it is not shared, this costs a look at one file.

import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { note } from "./output.ts";

type Env = Record<string, string | undefined>;

/** Whether it is worth while to look closer; nothing is made for that. What is wrong with home or file is said by who opens them. */
function isNamed({ BROKE_STATE: said, BROKE_HOME: given, HOME: user }: Env): boolean {
  const root = given || join(user || homedir(), ".broke");
  let owner: number | undefined;
  try {
    owner = statSync(root, { throwIfNoEntry: false })?.uid;
  } catch {
    return false;
  }
  // Root in another's folder becomes that one first.
  if (owner !== undefined && owner !== process.getuid!()) return false;
  if (said !== undefined) return true;
  try {
    return readFileSync(join(root, ".env"), "utf8").includes("BROKE_STATE");
  } catch {
    return false;
  }
}

/** Makes the local copy current. Where that cannot be, it says so, and what was last known is shown. */
export async function refreshed(env: Env): Promise<void> {
  if (!isNamed(env)) return;
  const { openHome } = await import("#src/state/paths.ts");
  const { openKeyRing } = await import("#src/state/keys.ts");
  const { sharedTarget } = await import("#src/state/shared/target.ts");
  const home = openHome(env, (path) => note(`${path} could be read by others; it is private again`));
  const target = sharedTarget(openKeyRing(home, env).get);
  if (target === undefined) return;
  const { refreshShared } = await import("#src/state/shared/edit.ts");
  try {
    await refreshShared(home, target);
  } catch (error) {
    if (!(error instanceof BrokeError) || error.kind !== "missing") throw error;
    note(`${error.message}; what was last known is shown`);
  }
}
