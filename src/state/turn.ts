// What is looked up for every request, looked up once for all those that the event loop handles in one turn: they were here already when it was read,
// so none of them misses a change that came before it.

export type PerTurn<Value> = {
  (): Value;
  /** A change of our own: read anew. */
  forget(): void;
};

/** `read`, remembered until the event loop's next turn. */
export function perTurn<Value>(read: () => Value): PerTurn<Value> {
  let kept: { value: Value } | undefined;
  const forget = () => void (kept = undefined);
  const get = () => {
    if (kept === undefined) {
      kept = { value: read() };
      setImmediate(forget);
    }
    return kept.value;
  };
  return Object.assign(get, { forget });
}
