// What is looked up for every request, looked up once for all those that come within a moment: shorter than anybody needs to change something and then
// ask, and as long as a busy gateway takes for two or three requests.

const MOMENT_MS = 0.25;

/** `read`, remembered for a quarter of a millisecond. What it throws is not. */
export function perMoment<Value>(read: () => Value): () => Value {
  let kept: { value: Value } | undefined;
  let readMs = 0;
  return () => {
    const nowMs = performance.now();
    if (kept === undefined || nowMs - readMs >= MOMENT_MS) {
      kept = { value: read() };
      readMs = nowMs;
    }
    return kept.value;
  };
}
