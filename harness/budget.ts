// How much of one kind of event a run's ledger takes. What a worker can cause without end (programs started, requests made, claims of shims) is
// recorded up to a number of bytes, and from there on only counted: the disk is not the worker's to fill.

import type { Json } from "#src/core/json.ts";

const MIB = 1024 ** 2;
/** Bytes of JSON for each kind. */
export const budgets = {
  commands: 32 * MIB,
  ends: 8 * MIB,
  requests: 8 * MIB,
  claims: 8 * MIB,
  attempts: 16 * MIB,
  answers: 4 * MIB,
  outside: 4 * MIB,
} as const;

type RecordEvent = (event: string, data: Record<string, Json>) => void;

export type Budget = {
  record: RecordEvent;
  /** How many events did not fit. */
  omitted(): number;
};

/** Records as long as all of it fits into `bytes`; never again after the first event that did not fit, so that no gap is hidden in the middle. */
export function withinBudget(record: RecordEvent, bytes: number): Budget {
  let left = bytes;
  let omitted = 0;
  return {
    record(event, data) {
      const size = omitted > 0 ? Infinity : Buffer.byteLength(JSON.stringify(data));
      if (size > left) {
        omitted += 1;
        return;
      }
      left -= size;
      record(event, data);
    },
    omitted: () => omitted,
  };
}
