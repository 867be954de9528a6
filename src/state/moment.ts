// What is looked up for every request, looked up once for all those that follow each other closely. A gap that somebody could have changed something in
// ends the moment, and so does its length: under any load a change is seen within a millisecond.

/** Less than a request takes from whoever sends it to here. */
export const GAP_MS = 0.1;
const LONGEST_MS = 1;

/** `read`, remembered for a moment. What it throws is not. */
export function perMoment<Value>(read: () => Value): () => Value {
  let kept: { value: Value } | undefined;
  let readMs = 0;
  let usedMs = 0;
  return () => {
    const nowMs = performance.now();
    if (kept === undefined || nowMs - usedMs >= GAP_MS || nowMs - readMs >= LONGEST_MS) {
      kept = { value: read() };
      readMs = nowMs;
    }
    usedMs = nowMs;
    return kept.value;
  };
}
