// The one resolver: for this request, under this generation and with these keys, which attempts in which order, and why.
// Pure. The gateway executes exactly what it returns; `route`, `list` and `/v1/models` print the same. Nothing else chooses a backend.

import { type Attempt, candidatesOf, type Skipped, slotServing } from "./candidates.ts";
import { isoTime } from "#src/core/clock.ts";
import type { Generation } from "./generation.ts";
import { blockOf, type Health, type HealthReason, healthy } from "./health.ts";
import { type Slot, slotOf, slots } from "./slots.ts";

export type RefusalReason =
  "unknown_model" | "slot_not_set" | "no_key" | "unknown_backend" | "cooling" | "keys_refused";

export type Resolution =
  | { kind: "attempts"; slot: Slot; attempts: Attempt[]; skipped: Skipped[] }
  | {
      kind: "refused";
      slot: Slot | undefined;
      reason: RefusalReason;
      message: string;
      hint: string;
      /** When asking again may help, for `cooling`. */
      untilMs?: number;
    };

export type ResolveInput = {
  /** The model name the client asked for. */
  requested: string;
  generation: Generation;
  /** Names of variables that hold a non-empty value. */
  keyNames: readonly string[];
  /** What is known of keys and backends; nothing, unless given. */
  health?: Health;
  nowMs?: number;
};

const words: Record<HealthReason, string> = {
  rate_limit: "is over its limit",
  auth_failure: "was refused",
  quota_exhausted: "has no credit left",
  upstream_error: "keeps failing",
};

function whyBlocked(
  { keyName }: Attempt,
  { reason, untilMs }: { reason: HealthReason; untilMs: number | null },
): string {
  const who = reason === "upstream_error" || keyName === null ? "it" : keyName;
  return `${who} ${words[reason]}${untilMs === null ? ", until lifted" : `, until ${isoTime(untilMs)}`}`;
}

/** Nothing may be asked now. Limits and failures pass; keys that were refused are the operator's to mend. */
function blockedRefusal(slot: Slot, blocks: { reason: HealthReason; untilMs: number | null }[]): Resolution {
  const passing = blocks.filter(({ reason }) => reason === "rate_limit" || reason === "upstream_error");
  const deadlines = passing.flatMap(({ untilMs }) => (untilMs === null ? [] : [untilMs]));
  if (deadlines.length === 0) {
    return {
      kind: "refused",
      slot,
      reason: "keys_refused",
      message: `the providers refuse every key of the slot ${slot.id}`,
      hint: "`broke key-state` says why; `broke key-state set <key> healthy` lifts it",
    };
  }
  return {
    kind: "refused",
    slot,
    reason: "cooling",
    message: `every backend of the slot ${slot.id} is cooling down`,
    hint: "it passes by itself; a fallback or another key would help",
    untilMs: Math.min(...deadlines),
  };
}

/** Decides the attempts. Never throws on input; what cannot be served is a refusal with its reason. */
export function resolve({ requested, generation, keyNames, health = healthy, nowMs = 0 }: ResolveInput): Resolution {
  const slot = slotOf(requested) ?? slotServing(generation, requested);
  if (slot === undefined) {
    const known = slots.map((item) => item.id).join(", ");
    return {
      kind: "refused",
      slot,
      reason: "unknown_model",
      message: "unknown model",
      hint: `ask for a slot: ${known}`,
    };
  }
  const candidates = candidatesOf(generation, slot.id, keyNames);
  if (candidates === undefined) {
    return {
      kind: "refused",
      slot,
      reason: "slot_not_set",
      message: `no backend is set for the slot ${slot.id}`,
      hint: `broke swap ${slot.id}=<backend>; \`broke models\` lists the backends`,
    };
  }
  const attempts: Attempt[] = [];
  const skipped: Skipped[] = [];
  const blocks: { reason: HealthReason; untilMs: number | null }[] = [];
  for (const candidate of candidates) {
    if (candidate.kind === "skipped") {
      skipped.push({ label: candidate.label, why: candidate.why });
      continue;
    }
    const { attempt } = candidate;
    const block = blockOf(attempt, health, nowMs);
    if (block === undefined) attempts.push(attempt);
    else {
      blocks.push(block);
      skipped.push({ label: attempt.backend.label, why: whyBlocked(attempt, block) });
    }
  }
  if (attempts.length > 0) return { kind: "attempts", slot, attempts, skipped };
  if (blocks.length > 0) return blockedRefusal(slot, blocks);
  const first = skipped[0]!;
  const reason = first.why === "unknown backend" ? "unknown_backend" : "no_key";
  return {
    kind: "refused",
    slot,
    reason,
    message: `the slot ${slot.id} cannot be served: ${first.label}: ${first.why}`,
    hint: reason === "no_key" ? "put the key into .env in BROKE_HOME" : `broke swap ${slot.id}=<backend>`,
  };
}
