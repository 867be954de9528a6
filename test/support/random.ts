// Chance that can be repeated: everything drawn follows from the seed.

export type Random = {
  /** 0 ≤ x < 1. */
  next(): number;
  /** A whole number, 0 ≤ x < `below`. */
  below(below: number): number;
  pick<Item>(items: readonly Item[]): Item;
  /** True this often, 0 to 1. */
  chance(share: number): boolean;
};

/** A generator (mulberry32: 32 bits of state, enough for tests, nothing for secrets). */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { next, below, pick: (items) => items[below(items.length)]!, chance: (share) => next() < share };
}
