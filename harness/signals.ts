// Signals that reach the supervisor belong to the client: passed on to its process group, while the supervisor lives on to record how it
// ended. A client that does not end when it is told to is ended, as it would be by its operator's word: seen to its end, its work kept.
// Does not stop: SIGKILL to the supervisor; then bwrap's --die-with-parent takes the sandbox down and the ledger stays incomplete.

import type { RunningSandbox } from "#sandbox/launch.ts";

const FORWARDED = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1, SIGQUIT: 3 } as const;
type Forwarded = keyof typeof FORWARDED;
/** Grace after SIGTERM or SIGHUP before the client is ended. */
const GRACE_MS = 3000;

/** Starts forwarding; stops when disposed. `end` ends a client that did not. */
export function forwardSignals(
  run: Pick<RunningSandbox, "signal">,
  onSignal: (name: string) => void,
  end: () => void,
): Disposable {
  const timers: Timer[] = [];
  const handlers = (Object.keys(FORWARDED) as Forwarded[]).map((name) => {
    const handler = () => {
      onSignal(name);
      run.signal(FORWARDED[name]);
      if (name === "SIGTERM" || name === "SIGHUP") timers.push(setTimeout(end, GRACE_MS));
    };
    process.on(name, handler);
    return { name, handler };
  });
  return {
    [Symbol.dispose]() {
      for (const { name, handler } of handlers) process.off(name, handler);
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** Beside a client that signals are passed on to, or without one: they end nothing at once, but are told, and what goes on is finished. */
export function endOnSignal(onSignal: (signal: number) => void): Disposable {
  const names = Object.keys(FORWARDED) as Forwarded[];
  const told = (name: Forwarded) => onSignal(FORWARDED[name]);
  for (const name of names) process.on(name, told);
  return {
    [Symbol.dispose]() {
      for (const name of names) process.off(name, told);
    },
  };
}
