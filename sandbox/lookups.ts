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
const sameSearch = (one: ObservedExec, other: ObservedExec) =>
  nameOf(one.path) === nameOf(other.path) && one.argv[0] === other.argv[0];
const sameFiles = (one: ObservedExec, other: ObservedExec) => one.files.join("\0") === other.files.join("\0");

/** Starts a fold. `tell` gets each command once, in order but for those that were not found. A denial is told at once, and once in a search. */
export function foldLookups(tell: (exec: ObservedExec) => void): LookupFold {
  const open = new Map<number, { exec: ObservedExec; told: boolean; timer: Timer }>();
  const end = (pid: number) => {
    const search = open.get(pid);
    if (search === undefined) return;
    clearTimeout(search.timer);
    open.delete(pid);
    if (!search.told) tell(search.exec);
  };
  /** The search this call goes on with; any other of its process is over. */
  const searchOf = (exec: ObservedExec) => {
    const search = open.get(exec.pid);
    if (search !== undefined && !sameSearch(search.exec, exec)) {
      end(exec.pid);
      return undefined;
    }
    clearTimeout(search?.timer);
    open.delete(exec.pid);
    return search;
  };
  return {
    take(exec) {
      const { pid, outcome } = exec;
      const before = searchOf(exec);
      if (outcome === "started" || outcome === "unknown") return tell(exec);
      const denied = outcome === "denied";
      if (denied && !(before?.told && sameFiles(before.exec, exec))) tell(exec);
      // One that was denied, or was there and could not be run, says more than the one that was not there.
      const kept = !denied && before !== undefined && before.exec.outcome !== "not_found" ? before.exec : exec;
      if (open.size >= MAX_OPEN) end(open.keys().next().value!);
      open.set(pid, {
        exec: kept,
        told: denied || (before?.told ?? false),
        timer: setTimeout(() => end(pid), OVER_MS),
      });
    },
    flush() {
      for (const pid of [...open.keys()]) end(pid);
    },
  };
}
