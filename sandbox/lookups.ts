// Folds what a search along PATH tries into one command: calls for places where nothing is are told only when none of them found anything.
// Pure but for the clock it is given.
// Does not stop: a worker from making a call for a program that is not there look like part of a search; nothing ran.

import type { ObservedExec } from "./observer.ts";

export type LookupFold = {
  /** Takes one call as it was seen. */
  take(exec: ObservedExec): void;
  /** Tells what is left. */
  flush(): void;
};

/** A search that has tried nothing new for so long is over. */
const OVER_MS = 500;
/** A worker may try in many processes at once; beyond this the oldest is told. */
const MAX_OPEN = 1024;

const nameOf = (path: string | null) => path?.slice(path.lastIndexOf("/") + 1);
// execvp(3) tries on after these.
const goesOn = ({ outcome }: ObservedExec) => outcome === "not_found" || outcome === "unrunnable";

/** Starts a fold. `tell` gets each command once, in order but for those that were not found. */
export function foldLookups(tell: (exec: ObservedExec) => void): LookupFold {
  const open = new Map<number, { exec: ObservedExec; timer: Timer }>();
  const end = (pid: number) => {
    const search = open.get(pid);
    if (search === undefined) return;
    clearTimeout(search.timer);
    open.delete(pid);
    tell(search.exec);
  };
  return {
    take(exec) {
      const { pid } = exec;
      let before = open.get(pid);
      if (
        before !== undefined &&
        !(nameOf(before.exec.path) === nameOf(exec.path) && before.exec.argv[0] === exec.argv[0])
      ) {
        end(pid);
        before = undefined;
      }
      clearTimeout(before?.timer);
      open.delete(pid);
      if (!goesOn(exec)) return tell(exec);
      // The one that was there and could not be run says more than the one that was not there.
      const kept = before?.exec.outcome === "unrunnable" ? before.exec : exec;
      if (open.size >= MAX_OPEN) end(open.keys().next().value!);
      open.set(pid, { exec: kept, timer: setTimeout(() => end(pid), OVER_MS) });
    },
    flush() {
      for (const pid of [...open.keys()]) end(pid);
    },
  };
}
