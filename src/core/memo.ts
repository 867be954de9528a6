// What was worked out before, by name: for values of which there are few, asked for again and again. When there are too many all are forgotten, which costs
// less than to know which of them was not asked for longest.

/** The value under a name, or what `make` makes of it; `most` are kept. */
export type Memo<Value> = (name: string, make: () => Value) => Value;

/** An empty one. */
export function makeMemo<Value>(most: number): Memo<Value> {
  const kept = new Map<string, Value>();
  return (name, make) => {
    const known = kept.get(name);
    if (known !== undefined) return known;
    const value = make();
    if (kept.size >= most) kept.clear();
    kept.set(name, value);
    return value;
  };
}
