// What is known of keys and backends from the answers they gave: who is cooling, who is out, whose breaker is open. Pure; the store keeps it, the
// resolver reads it, the gateway reports what it saw. A deadline is only ever moved later, by failures, or lifted by the operator.
// What the operator blocked, and an account without credit, wait for the operator; everything else passes, by one request that tries first.

import type { Backend } from "./backends.ts";

export const healthStates = ["healthy", "cooldown", "blocked", "auth_failed", "incompatible"] as const;
export type HealthState = (typeof healthStates)[number];

export type HealthReason =
  | "rate_limit"
  | "quota_exhausted"
  | "auth_failure"
  | "timeout"
  | "upstream_error"
  | "unreachable"
  | "context_length"
  | "unsupported_parameter"
  | "content_filtered"
  | "manual_set"
  | "cooldown_expired";

/**
 * `party`: whose requests alone it failed, which it is held back from alone; null: of several, or from everybody. `untilMs` null: until the operator lifts it. `strikes` counts failures in a row. `probeMs`: until when the one request that tries first may take; 0
 * while none does.
 */
export type HealthEntry = {
  state: HealthState;
  reason: HealthReason;
  untilMs: number | null;
  strikes: number;
  probeMs: number;
  party: string | null;
};

/** `any`: whether anything is known of anybody, which mostly it is not. */
export type Health = { any(): boolean; get(subject: string): HealthEntry | undefined };

/** Who a failure is about. */
export type Tried = {
  backend: Pick<Backend, "label" | "model">;
  keyName: string | null;
  /** Kept where it is looked up for every request: `subjectsOf` it. */
  subjects?: readonly string[];
};

/** `cooldownMs`: what the policy says; null or absent where none does. `party`: whose request it was. */
export type Failure = { reason: HealthReason; retryAfterMs?: number; cooldownMs?: number | null; party?: string };

const MIN_COOLDOWN_MS = 1_000;
const MAX_COOLDOWN_MS = 60 * 60_000;
const FIRST_COOLDOWN_MS = 15_000;
const MAX_GUESSED_MS = 5 * 60_000;
const AUTH_COOLDOWN_MS = 5 * 60_000;
const BREAKER_STRIKES = 3;
const BREAKER_MS = 30_000;
/** What the operator's cooldown lasts where no policy says. */
export const MANUAL_COOLDOWN_MS = 5 * 60_000;
/** A request that tries first and never comes back holds the others up no longer than this. */
export const PROBE_MS = 2 * 60_000;
/** When those it holds up may look again. */
const LOOK_AGAIN_MS = 500;

/** A key is limited per model; a backend without a key as a whole. */
const limitSubject = ({ backend, keyName }: Tried) =>
  keyName === null ? `backend ${backend.label} limit` : `key ${keyName} model ${backend.model}`;
const keySubject = ({ backend, keyName }: Tried) =>
  keyName === null ? `backend ${backend.label} access` : `key ${keyName}`;
const breakerSubject = ({ backend }: Tried) => `backend ${backend.label}`;

/** What is said of one request, not of who answered it: held against nobody. */
const perRequest: ReadonlySet<HealthReason> = new Set(["context_length", "content_filtered", "unsupported_parameter"]);
export const isPerRequest = (reason: HealthReason) => perRequest.has(reason);

/** Where a failure is written down. */
export function subjectOf(tried: Tried, reason: HealthReason): string {
  if (reason === "rate_limit") return limitSubject(tried);
  return reason === "auth_failure" || reason === "quota_exhausted" ? keySubject(tried) : breakerSubject(tried);
}

/** The subjects a success clears, and a block of which stops it. */
export function clearedBy(tried: Tried): readonly string[] {
  return tried.subjects ?? subjectsOf(tried);
}

export const subjectsOf = (tried: Tried): readonly string[] => [
  ...[limitSubject(tried), keySubject(tried), breakerSubject(tried)],
];

/** Who a request counts for, where one may be told from another: a run, a profile, or everybody who has neither. */
export const partyOf = ({ run = null, profile }: { run?: string | null; profile: string | null }): string =>
  run !== null ? `run ${run}` : profile !== null ? `profile ${profile}` : "live";

/** Failures that one request may provoke, whoever is asked. */
const provoked: ReadonlySet<HealthReason> = new Set(["upstream_error", "timeout", "unsupported_parameter"]);

/** Whose alone the failures in a row are. */
function partyAfter(before: HealthEntry | undefined, { reason, party }: Failure): string | null {
  if (party === undefined || !provoked.has(reason)) return null;
  return before === undefined || before.strikes === 0 || before.party === party ? party : null;
}

/** Whether it is held against another's requests alone. */
export const isAnothers = ({ party }: HealthEntry, mine: string): boolean => party !== null && party !== mine;

/** How long what a backend said it does not take is believed. */
const INCOMPATIBLE_MS = 10 * 60_000;

/** What is known of a backend and one member of requests in its own dialect. */
export const takingSubject = (label: string, member: string) => `backend ${label} taking ${member}`;

/** The members among these that the backend is known not to take. */
export function refusedMembers(
  label: string,
  members: readonly string[],
  health: Health,
  nowMs: number,
  party: string,
): string[] {
  return members.filter((member) => {
    const entry = health.get(takingSubject(label, member));
    if (entry?.state !== "incompatible" || isAnothers(entry, party)) return false;
    return entry.untilMs === null || entry.untilMs > nowMs;
  });
}

const within = (ms: number) => Math.min(Math.max(ms, MIN_COOLDOWN_MS), MAX_COOLDOWN_MS);

/** How long a limit lasts: never shorter than the provider or the policy says, else longer with every one in a row. */
function limitMs(strikes: number, { retryAfterMs, cooldownMs }: Failure): number {
  if (retryAfterMs === undefined && typeof cooldownMs !== "number")
    return Math.min(FIRST_COOLDOWN_MS * 2 ** Math.min(strikes - 1, 10), MAX_GUESSED_MS);
  return Math.max(retryAfterMs === undefined ? 0 : within(retryAfterMs), cooldownMs ?? 0);
}

/** The entry after one more failure. */
export function afterFailure(before: HealthEntry | undefined, failure: Failure, nowMs: number): HealthEntry {
  const { reason } = failure;
  const strikes = (before?.strikes ?? 0) + 1;
  if (before?.untilMs === null) return { ...before, strikes };
  if (reason === "quota_exhausted")
    return { state: "blocked", reason, untilMs: null, strikes, probeMs: 0, party: null };
  const party = partyAfter(before, failure);
  const entry = (state: HealthState, wait: number): HealthEntry => {
    const untilMs = Math.max(before?.untilMs ?? 0, nowMs + wait);
    return { state, reason, untilMs, strikes, probeMs: 0, party };
  };
  if (reason === "rate_limit") return entry("cooldown", limitMs(strikes, failure));
  if (reason === "unsupported_parameter") return entry("incompatible", INCOMPATIBLE_MS);
  if (reason === "auth_failure") return entry("auth_failed", failure.cooldownMs ?? AUTH_COOLDOWN_MS);
  return strikes >= BREAKER_STRIKES ? entry("cooldown", failure.cooldownMs ?? BREAKER_MS) : entry("healthy", 0);
}

/** Whether one request may try it, and only one. */
export function isHalfOpen(entry: HealthEntry, nowMs: number): boolean {
  return entry.state !== "healthy" && entry.untilMs !== null && entry.untilMs <= nowMs;
}

export type Block = { reason: HealthReason; untilMs: number | null };

/** Why an attempt may not be made now for this party; undefined when it may. `untilMs` null: not before the operator says so. */
export function blockOf(tried: Tried, health: Health, nowMs: number, party = "live"): Block | undefined {
  if (!health.any()) return undefined;
  let longest: Block | undefined;
  for (const subject of clearedBy(tried)) {
    const entry = health.get(subject);
    if (entry === undefined || entry.state === "healthy" || isAnothers(entry, party)) continue;
    const { reason } = entry;
    if (entry.untilMs === null) return { reason, untilMs: null };
    const untilMs = isHalfOpen(entry, nowMs) && entry.probeMs > nowMs ? nowMs + LOOK_AGAIN_MS : entry.untilMs;
    if (untilMs > nowMs && untilMs > (longest?.untilMs ?? 0)) longest = { reason, untilMs };
  }
  return longest;
}

/** For who knows nothing of anybody's health. */
export const healthy: Health = { any: () => false, get: () => undefined };
