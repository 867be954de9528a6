// Guessing tokens: after a number of wrong ones within a minute no more are looked at, whoever sends them, until the minute is over. Connections that
// were let in before go on undisturbed; so do new ones with a token that let in before, if it was made here: it is known by its hash in memory, nothing
// else is looked up, and no guess is one of 256 bits by chance. One that somebody thought up could be guessed: on a new connection it waits.
// Does not stop: guessing at all; a token of 256 bits does. It keeps a flood of guesses from costing more than a counter.

import type { Clock } from "#src/core/clock.ts";

const WINDOW_MS = 60_000;
const TOLERATED = 20;
/** As many as there are ports. */
const MAX_PEERS = 65_536;
const MAX_HASHES = 10_000;

export type Throttle = {
  /**
   * `peer` is the port of the other end, `hash` tells the hash of the token it brings, undefined for one not made here. How long nothing of this peer is
   * looked at, in ms; undefined when it may try.
   */
  blockedMs(peer: number | undefined, hash: () => string | undefined): number | undefined;
  failed(): void;
  passed(peer: number | undefined, hash: string | null): void;
};

/** For one listener. A peer without a number (a run's own socket) is never blocked: possession of the socket is what counts there. */
export function makeThrottle(clock: Clock): Throttle {
  const known = new Set<number>();
  const hashes = new Set<string>();
  let failures = 0;
  let since = -Infinity;
  return {
    blockedMs(peer, hash) {
      if (failures < TOLERATED || peer === undefined || known.has(peer)) return undefined;
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
    passed(peer, hash) {
      if (peer === undefined) return;
      if (!known.has(peer)) {
        if (known.size >= MAX_PEERS) known.clear();
        known.add(peer);
      }
      if (hash === null || hashes.has(hash)) return;
      if (hashes.size >= MAX_HASHES) hashes.clear();
      hashes.add(hash);
    },
  };
}
