// What the observer's thread and the supervisor say to each other of calls. Of execs and ends the thread tells in order, several at once, as text, because each time the supervisor wakes, and
// each object that crosses over, costs as much as looking at a call does. Pure but for its clock.
// Must never hold back anything longer than `LINGER_MS` while its owner goes on calling `due`, or for good: the owner flushes whatever ends it.

import type { ExecEnd } from "./exec-ends.ts";
import type { ObservedExec } from "./observer.ts";

/** One answer to the thread: the notification's id, an `ANSWERS`, and how many bytes of text follow, 64 bits each. */
export const ANSWER_BYTES = 24;
export const ANSWERS = { deny: 0n, allow: 1n, end: 2n } as const;

/** Ends of processes, then an exec that came after them, if there was one. */
export type Told = { ends: ExecEnd[]; exec: ObservedExec | null };

/** A process that ends is most often followed by one that starts. */
export const LINGER_MS = 4;
const MAX_TOGETHER = 64;

export type Teller = {
  tell(told: Told): void;
  /** Whether something waits to be sent. */
  waits(): boolean;
  /** Sends what has waited long enough. */
  due(): void;
  flush(): void;
};

/** `waiting` counts the execs that were told and not yet taken in by the other side. */
export function makeTeller(send: (text: string) => void, waiting: Int32Array<SharedArrayBuffer>): Teller {
  let kept: Told[] = [];
  let sinceMs = 0;
  const flush = () => {
    if (kept.length > 0) send(JSON.stringify(kept));
    kept = [];
  };
  return {
    tell(told) {
      if (told.exec === null && told.ends.length === 0) return;
      if (told.exec !== null) Atomics.add(waiting, 0, 1);
      if (kept.length === 0) sinceMs = performance.now();
      kept.push(told);
      if (kept.length >= MAX_TOGETHER) flush();
    },
    waits: () => kept.length > 0,
    due() {
      if (kept.length > 0 && performance.now() - sinceMs >= LINGER_MS) flush();
    },
    flush,
  };
}
