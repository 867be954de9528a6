// Lanes that failed again and again in this server: held back until the operator clears them, so that an editor does not start what dies at once for
// ever. Pure.

/** So often in a row a lane may fail. */
const MOST_FAILURES = 3;

export type Quarantine = {
  failed(lane: string, why: string): void;
  worked(lane: string): void;
  /** Why it is held; undefined: it is not. */
  heldFor(lane: string): string | undefined;
  /** Whether there was anything to clear. */
  clear(lane: string): boolean;
};

/** Starts with none held. */
export function makeQuarantine(): Quarantine {
  const lanes = new Map<string, { failures: number; why: string }>();
  return {
    failed: (lane, why) => void lanes.set(lane, { failures: (lanes.get(lane)?.failures ?? 0) + 1, why }),
    worked: (lane) => void lanes.delete(lane),
    heldFor(lane) {
      const noted = lanes.get(lane);
      return noted !== undefined && noted.failures >= MOST_FAILURES ? noted.why : undefined;
    },
    clear: (lane) => lanes.delete(lane),
  };
}
