// What is known of keys and backends from the answers they gave: who is cooling, who is out, whose breaker is open. Pure; the store keeps it, the
// resolver reads it, the gateway reports what it saw. A deadline is only ever moved later, by failures, or lifted by the operator.

import type { Backend } from "./backends.ts";

export type HealthReason = "rate_limit" | "auth_failure" | "quota_exhausted" | "upstream_error";

/** `untilMs` null: until the operator lifts it. `strikes` counts failures in a row. */
export type HealthEntry = { reason: HealthReason; untilMs: number | null; strikes: number };

/** `any`: whether anything is known of anybody, which mostly it is not. */
export type Health = { any(): boolean; get(subject: string): HealthEntry | undefined };

/** Who a failure is about. */
type Tried = { backend: Pick<Backend, "label" | "model">; keyName: string | null };

export type Failure = { reason: HealthReason; retryAfterMs?: number };

const MIN_COOLDOWN_MS = 1_000;
const MAX_COOLDOWN_MS = 60 * 60_000;
const FIRST_COOLDOWN_MS = 15_000;
const MAX_GUESSED_MS = 5 * 60_000;
const AUTH_COOLDOWN_MS = 5 * 60_000;
const BREAKER_STRIKES = 3;
const BREAKER_MS = 30_000;

/** A key is limited per model; a backend without a key as a whole. */
const limitSubject = ({ backend, keyName }: Tried) =>
  keyName === null ? `backend ${backend.label} limit` : `key ${keyName} model ${backend.model}`;
const keySubject = ({ backend, keyName }: Tried) =>
  keyName === null ? `backend ${backend.label} access` : `key ${keyName}`;
const breakerSubject = ({ backend }: Tried) => `backend ${backend.label}`;

/** Where a failure is written down. */
export function subjectOf(tried: Tried, reason: HealthReason): string {
  if (reason === "rate_limit") return limitSubject(tried);
  return reason === "upstream_error" ? breakerSubject(tried) : keySubject(tried);
}

/** The subjects a success clears. */
export function clearedBy(tried: Tried): string[] {
  return [limitSubject(tried), keySubject(tried), breakerSubject(tried)];
}

/** How long a limit lasts: what the provider says, within bounds, else longer with every one in a row. */
function cooldownMs(strikes: number, said: number | undefined): number {
  if (said !== undefined) return Math.min(Math.max(said, MIN_COOLDOWN_MS), MAX_COOLDOWN_MS);
  return Math.min(FIRST_COOLDOWN_MS * 2 ** Math.min(strikes - 1, 10), MAX_GUESSED_MS);
}

/** The entry after one more failure. */
export function afterFailure(before: HealthEntry | undefined, failure: Failure, nowMs: number): HealthEntry {
  const { reason } = failure;
  const strikes = (before?.strikes ?? 0) + 1;
  if (before?.untilMs === null) return { ...before, strikes };
  if (reason === "quota_exhausted") return { reason, untilMs: null, strikes };
  const wait =
    reason === "rate_limit"
      ? cooldownMs(strikes, failure.retryAfterMs)
      : reason === "auth_failure"
        ? AUTH_COOLDOWN_MS
        : strikes >= BREAKER_STRIKES
          ? BREAKER_MS
          : 0;
  return { reason, untilMs: Math.max(before?.untilMs ?? 0, nowMs + wait), strikes };
}

/** Why an attempt may not be made now; undefined when it may. `untilMs` null: not before the operator says so. */
export function blockOf(
  tried: Tried,
  health: Health,
  nowMs: number,
): { reason: HealthReason; untilMs: number | null } | undefined {
  if (!health.any()) return undefined;
  let longest: HealthEntry | undefined;
  for (const subject of clearedBy(tried)) {
    const entry = health.get(subject);
    if (entry === undefined || (entry.untilMs !== null && entry.untilMs <= nowMs)) continue;
    if (entry.untilMs === null) return entry;
    if (longest === undefined || entry.untilMs > (longest.untilMs ?? 0)) longest = entry;
  }
  return longest;
}

/** For who knows nothing of anybody's health. */
export const healthy: Health = { any: () => false, get: () => undefined };
