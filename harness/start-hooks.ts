// What could have slipped somebody's code into this very process before its first line. The launcher takes all of it out of the environment;
// where it is there all the same, broke was started past its launcher.
// Does not stop: what was loaded and then took its own trace away.

import { BrokeError } from "#src/core/errors.ts";

const HOOKS = /^(LD_(PRELOAD|AUDIT|LIBRARY_PATH)|DYLD_.*|BUN_OPTIONS|BUN_INSPECT.*|BUN_PRELOAD|NODE_OPTIONS)$/;

/** Throws `denied`, naming the variables, when there are any. */
export function requireCleanStart(env: Record<string, string | undefined>): void {
  const found = Object.keys(env).filter((name) => HOOKS.test(name) && env[name] !== "");
  if (found.length === 0) return;
  throw new BrokeError(
    "denied",
    `broke was started with ${found.sort().join(", ")} set, which can run somebody's code in it`,
    "start it by its launcher, shims/broke, which clears them",
  );
}
