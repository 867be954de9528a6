// Guessing tokens: after a number of wrong ones within a minute no more are looked at, whoever sends them, until the minute is over. Connections that
// were let in before go on undisturbed.
// Does not stop: guessing at all; a token of 256 bits does. It keeps a flood of guesses from costing more than a counter.

import type { Clock } from "#src/core/clock.ts";

const WINDOW_MS = 60_000;
const TOLERATED = 20;
/** As many as there are ports. */
const MAX_PEERS = 65_536;

export type Throttle = {
  /** `peer` is the port of the other end. How long nothing of this peer is looked at, in ms; undefined when it may try. */
  blockedMs(peer: number | undefined): number | undefined;
  failed(): void;
  passed(peer: number | undefined): void;
};

/** For one listener. A peer without a number (a run's own socket) is never blocked: possession of the socket is what counts there. */
export function makeThrottle(clock: Clock): Throttle {
  const known = new Set<number>();
  let failures = 0;
  let since = -Infinity;
  return {
    blockedMs(peer) {
      if (failures < TOLERATED || peer === undefined || known.has(peer)) return undefined;
      const left = since + WINDOW_MS - clock();
      return left > 0 ? left : undefined;
    },
    failed() {
      const now = clock();
      if (now - since >= WINDOW_MS) {
        since = now;
        failures = 0;
      }
      failures += 1;
    },
    passed(peer) {
      if (peer === undefined || known.has(peer)) return;
      if (known.size >= MAX_PEERS) known.clear();
      known.add(peer);
    },
  };
}
