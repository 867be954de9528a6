// Which folder an agent may be let loose in.
// Does not stop: handing it a project folder that holds secrets of its own under names nobody masks.

import { existsSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { BrokeError } from "#src/core/errors.ts";
import { isWithin } from "#sandbox/protected.ts";

const FORBIDDEN = ["/", "/home", "/root", "/usr", "/etc", "/tmp", "/var", "/opt", "/run", "/dev", "/proc", "/sys"];

/** The real path of a folder that may not be there: an id without an account has no home. */
function existing(path: string): string | undefined {
  return existsSync(path) ? realpathSync(path) : undefined;
}

/** The workspace as it will be mounted. Throws `usage`/`denied` for folders no agent should be let loose in. */
export function checkWorkspace(path: string, brokeHome: string, env: Record<string, string | undefined>): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory())
    throw new BrokeError("usage", "the workspace is not a folder");
  const real = realpathSync(path);
  const home = existing(env.HOME ?? homedir());
  if (FORBIDDEN.includes(real) || (home !== undefined && (real === home || isWithin(real, home)))) {
    throw new BrokeError("denied", `${real} is too much to hand to an agent`, "run in a project's own folder");
  }
  if (isWithin(real, brokeHome) || isWithin(brokeHome, real)) {
    throw new BrokeError("denied", "the workspace and BROKE_HOME contain one another", "run in a project's own folder");
  }
  return real;
}
