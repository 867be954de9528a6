// Guessing tokens: after a number of wrong ones within a minute no more are looked at, whoever sends them, until the minute is over. Who brings
// a token that let in before goes on undisturbed, if it was made here: it is known by its hash in memory, nothing else is looked up, and no guess is one of
// 256 bits by chance. One that somebody thought up could be guessed: it goes on where it let in before, by the connection; on a new one it waits.
// Does not stop: guessing at all; a token of 256 bits does. It keeps a flood of guesses from costing more than a counter.

import type { Clock } from "#src/core/clock.ts";

const WINDOW_MS = 60_000;
const TOLERATED = 20;
/** As many as there are ports. */
const MAX_PEERS = 65_536;
const MAX_HASHES = 10_000;

export type Throttle = {
  /**
   * `peer` tells the port of the other end, `hash` the hash of the token it brings, undefined for one not made here. How long nothing of this peer is
   * looked at, in ms; undefined when it may try.
   */
  blockedMs(peer: () => number | undefined, hash: () => string | undefined): number | undefined;
  failed(): void;
  /** A connection is remembered only where its token cannot be: to ask for its port takes as long as choosing who answers. */
  passed(peer: () => number | undefined, hash: string | null): void;
};

/** For one listener. A peer without a number (a run's own socket) is never blocked: possession of the socket is what counts there. */
export function makeThrottle(clock: Clock): Throttle {
  const known = new Set<number>();
  const hashes = new Set<string>();
  let failures = 0;
  let since = -Infinity;
  return {
    blockedMs(peerOf, hash) {
      if (failures < TOLERATED) return undefined;
      const peer = peerOf();
      if (peer === undefined || known.has(peer)) return undefined;
      const left = since + WINDOW_MS - clock();
      if (left <= 0) return undefined;
      const given = hash();
      return given !== undefined && hashes.has(given) ? undefined : left;
    },
    failed() {
      const now = clock();
      if (now - since >= WINDOW_MS) {
        since = now;
        failures = 0;
      }
      failures += 1;
    },
    passed(peerOf, hash) {
      if (hash !== null) {
        if (hashes.has(hash)) return;
        if (hashes.size >= MAX_HASHES) hashes.clear();
        hashes.add(hash);
        return;
      }
      const peer = peerOf();
      if (peer === undefined || known.has(peer)) return;
      if (known.size >= MAX_PEERS) known.clear();
      known.add(peer);
    },
  };
}
