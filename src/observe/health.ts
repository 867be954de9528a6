// What is held against keys and backends, for people and programs. It judges nothing: deadlines are the store's.

import type { HealthEntry, HealthState } from "#src/routing/health.ts";

export type HealthView = {
  subject: string;
  state: HealthState;
  reason: HealthEntry["reason"];
  strikes: number;
  untilMs: number | null;
  /** Whose requests alone it is held back from; null: everybody's. */
  party: string | null;
};

/** Every entry with the state it means now; `blocked` lasts until the operator lifts it. */
export function describeHealth(entries: (HealthEntry & { subject: string })[], nowMs: number): HealthView[] {
  return entries.map(({ subject, state, reason, strikes, untilMs, party }) => ({
    subject,
    state: untilMs === null || untilMs > nowMs ? state : "healthy",
    reason,
    strikes,
    untilMs,
    party,
  }));
}
