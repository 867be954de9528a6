// Keeps a model from going round in circles: a call that came out the same again and again, with nothing changed between, is not made any more. Pure.

/** So often the same is let come out; so often it is asked for before the turn is ended. */
const MOST_SAME = 3;
const MOST_ASKED = 6;

export type Guard = {
  /** Why the call is not made; undefined: it is. */
  refuse(key: string): string | undefined;
  /** How it came out; `changed`: it may have made others come out differently. */
  note(key: string, outcome: string, changed: boolean): void;
  /** The model does nothing else any more. */
  isStuck(): boolean;
};

/** A guard for one turn. */
export function makeGuard(): Guard {
  let same = new Map<string, { outcome: string; count: number }>();
  return {
    refuse(key) {
      const known = same.get(key);
      if (known === undefined || known.count < MOST_SAME) return undefined;
      known.count += 1;
      return "You have made this very call before, with the same outcome, and nothing was changed since. Do something else, or say what keeps you.";
    },
    note(key, outcome, changed) {
      const known = same.get(key);
      const count = known?.outcome === outcome ? known.count + 1 : 1;
      if (changed) same = new Map();
      same.set(key, { outcome, count });
    },
    isStuck: () => [...same.values()].some(({ count }) => count >= MOST_ASKED),
  };
}
