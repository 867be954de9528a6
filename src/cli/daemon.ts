// Starting the gateway as a process of its own: our own launcher's interpreter and flags, the operator's environment, a log in BROKE_HOME.

import { join } from "node:path";
import { awaitStart } from "#src/gateway/daemon.ts";
import { type Owner, readOwner } from "#src/gateway/ownership.ts";
import { startDetached } from "#sandbox/spawn.ts";
import type { State } from "./compose.ts";

const MAIN = join(import.meta.dir, "..", "main.ts");

/** Starts the daemon unless it runs; resolves when it answers. Throws `missing` when it does not come up. */
export async function startGateway(state: State, port: number): Promise<{ owner: Owner; fresh: boolean }> {
  const running = readOwner(state.home);
  if (running !== undefined) return { owner: running, fresh: false };
  const env = Object.fromEntries(
    Object.entries({ ...state.env, BROKE_HOME: state.home.root }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
  const argv = [process.execPath, "--config=/dev/null", "--no-env-file", MAIN, "gateway", `--port=${port}`];
  const child = startDetached(argv, env, join(state.home.root, "gateway.log"));
  return { owner: await awaitStart(state.home, child), fresh: true };
}
