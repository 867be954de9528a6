// What the verbs that answer a verdict work with: the state, the history of launches, the keys.

import type { DecideDeps } from "#harness/decide.ts";
import type { RunDeps } from "#harness/run.ts";

/** Everything a decision, and a run that follows from it, works with; `reserved` is the number it has already. */
export async function decideDeps(reserved?: string): Promise<RunDeps & DecideDeps> {
  const { openState } = await import("./compose.ts");
  const { runDeps } = await import("./launch.ts");
  const { signingKeys } = await import("#src/state/secrets.ts");
  const state = openState();
  return { ...(await runDeps(state, reserved)), keys: signingKeys(state.home) };
}
