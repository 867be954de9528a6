// The one resolver: for this request, under this generation and with these keys, which attempts in which order, and why.
// Pure. The gateway executes exactly what it returns; `route`, `list` and `/v1/models` print the same. Nothing else chooses a backend.

import { type Backend, findBackend } from "./backends.ts";
import { isoTime } from "#src/core/clock.ts";
import type { Generation } from "./generation.ts";
import { blockOf, type Health, type HealthReason, healthy } from "./health.ts";
import { type Slot, slotOf, slots } from "./slots.ts";

/** One call that may be made. `keyName` is the variable that holds the key, null for a backend without one. */
export type Attempt = { backend: Backend; keyName: string | null; why: string };

export type RefusalReason =
  "unknown_model" | "slot_not_set" | "no_key" | "unknown_backend" | "cooling" | "keys_refused";

export type Resolution =
  | { kind: "attempts"; slot: Slot; attempts: Attempt[]; skipped: { label: string; why: string }[] }
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

/** A provider's key pool: the base variable, then `<BASE>_<digits>` in numeric order, those that are set. */
export function keyPool(keyEnv: string, keyNames: readonly string[]): string[] {
  const numbered = keyNames
    .filter((name) => name.startsWith(`${keyEnv}_`) && /^\d+$/.test(name.slice(keyEnv.length + 1)))
    .sort((a, b) => Number(a.slice(keyEnv.length + 1)) - Number(b.slice(keyEnv.length + 1)));
  return [...(keyNames.includes(keyEnv) ? [keyEnv] : []), ...numbered];
}

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
  const slot = slotOf(requested);
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
  const labels = Object.hasOwn(generation.slots, slot.id) ? generation.slots[slot.id] : undefined;
  if (labels === undefined) {
    return {
      kind: "refused",
      slot,
      reason: "slot_not_set",
      message: `no backend is set for the slot ${slot.id}`,
      hint: `broke swap ${slot.id}=<backend>; \`broke models\` lists the backends`,
    };
  }
  const attempts: Attempt[] = [];
  const skipped: { label: string; why: string }[] = [];
  const blocks: { reason: HealthReason; untilMs: number | null }[] = [];
  const add = (attempt: Attempt) => {
    const block = blockOf(attempt, health, nowMs);
    if (block === undefined) return void attempts.push(attempt);
    blocks.push(block);
    skipped.push({ label: attempt.backend.label, why: whyBlocked(attempt, block) });
  };
  for (const [index, label] of labels.entries()) {
    const backend = findBackend(generation, label);
    const role = index === 0 ? "the slot's backend" : `fallback ${index}`;
    if (backend === undefined) skipped.push({ label, why: "unknown backend" });
    else if (backend.keyEnv === null) add({ backend, keyName: null, why: role });
    else {
      const pool = keyPool(backend.keyEnv, keyNames);
      if (pool.length === 0) skipped.push({ label, why: `${backend.keyEnv} is not set` });
      for (const [at, keyName] of pool.entries()) {
        add({ backend, keyName, why: pool.length === 1 ? role : `${role}, key ${at + 1} of ${pool.length}` });
      }
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
