// What is looked up for every request, looked up once for all those that follow each other closely. A gap that somebody could have changed something in
// ends the moment, and so does its length: under any load a change is seen within a millisecond, before the command that made it has returned.

/** Less than a request takes from whoever sends it to here, where nobody else sends any. */
export const GAP_MS = 0.1;
export const LONGEST_MS = 1;

/** `read`, remembered for a moment. What it throws is not. `clock` is in ms, of any beginning. */
export function perMoment<Value>(read: () => Value, clock: () => number = () => performance.now()): () => Value {
  let kept: { value: Value } | undefined;
  let readMs = 0;
  let usedMs = 0;
  return () => {
    const nowMs = clock();
    if (kept === undefined || nowMs - usedMs >= GAP_MS || nowMs - readMs >= LONGEST_MS) {
      kept = { value: read() };
      readMs = nowMs;
    }
    usedMs = nowMs;
    return kept.value;
  };
}
