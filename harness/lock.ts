// A run's lock: whoever has it is its supervisor. Released by the kernel when that process ends, however it ends.

import { closeSync, constants, openSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import * as libc from "#sandbox/libc.ts";

/** Takes the lock of a run nobody supervises; undefined when somebody does. Close the descriptor to give it back. */
export function takeLock(file: string): number | undefined {
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  if (libc.tryLock(fd)) return fd;
  closeSync(fd);
  return undefined;
}

/** Takes hold of a folder itself; undefined while somebody else does. Close the descriptor to give it back. */
export function takeFolder(path: string): number | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  if (libc.tryLock(fd)) return fd;
  closeSync(fd);
  return undefined;
}

/** Holds a run that is over, so that nobody else does anything with it meanwhile. Throws `busy` while somebody does. */
export function holdEnded(home: Home, runId: string): Disposable {
  const fd = takeLock(runPaths(home, runId).lock);
  if (fd !== undefined) return { [Symbol.dispose]: () => closeSync(fd) };
  throw new BrokeError("busy", "the run is still going on, or its work is being taken over", "wait until that is over");
}

/** Whether a supervisor holds the run: it does to its last record. */
export function isHeld(file: string): boolean {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return !libc.tryLock(fd);
  } finally {
    closeSync(fd);
  }
}

/** Does something while no other process of this home does the same. */
export function exclusively<Result>(file: string, act: () => Result): Result {
  const fd = openSync(file, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    libc.waitLock(fd);
    return act();
  } finally {
    closeSync(fd);
  }
}
