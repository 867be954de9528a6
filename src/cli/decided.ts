// What the verbs that answer a verdict work with: the state, the history of launches, the keys.

import type { DecideDeps } from "#harness/decide.ts";
import type { RunDeps } from "#harness/run.ts";

/** Everything a decision, and a run that follows from it, works with. */
export async function decideDeps(): Promise<RunDeps & DecideDeps> {
  const { openState } = await import("./compose.ts");
  const { runDeps } = await import("./launch.ts");
  const { signingKeys } = await import("#src/state/secrets.ts");
  const state = openState();
  return { ...(await runDeps(state)), keys: signingKeys(state.home) };
}
