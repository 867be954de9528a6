// Bounds what a client can make its supervisor hold: bodies of requests are taken in whole, and there can be many at once.
// Does not stop: what arrives between two looks.

/** Thirty of the largest bodies the gateway takes. */
export const MAX_SUPERVISOR_BYTES = 2 * 1024 ** 3;
const LOOK_MS = 50;

/** Calls `onTooMuch` once when the process holds more than `max` bytes. `held` says how many it holds. */
export function watchMemory(
  onTooMuch: () => void,
  max = MAX_SUPERVISOR_BYTES,
  held: () => number = process.memoryUsage.rss,
): Disposable {
  const timer = setInterval(() => {
    if (held() <= max) return;
    clearInterval(timer);
    onTooMuch();
  }, LOOK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
