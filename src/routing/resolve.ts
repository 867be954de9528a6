// The one resolver: for this request, under this generation and with these keys, which attempts in which order, and why.
// Pure. The gateway executes exactly what it returns; `route`, `list` and `/v1/models` print the same. Nothing else chooses a backend.

import { type Backend, findBackend } from "./backends.ts";
import type { Generation } from "./generation.ts";
import { type Slot, slotOf, slots } from "./slots.ts";

/** One call that may be made. `keyName` is the variable that holds the key, null for a backend without one. */
export type Attempt = { backend: Backend; keyName: string | null; why: string };

export type RefusalReason = "unknown_model" | "slot_not_set" | "no_key" | "unknown_backend";

export type Resolution =
  | { kind: "attempts"; slot: Slot; attempts: Attempt[]; skipped: { label: string; why: string }[] }
  | { kind: "refused"; slot: Slot | undefined; reason: RefusalReason; message: string; hint: string };

export type ResolveInput = {
  /** The model name the client asked for. */
  requested: string;
  generation: Generation;
  /** Names of variables that hold a non-empty value. */
  keyNames: readonly string[];
};

/** A provider's key pool: the base variable, then `<BASE>_<digits>` in numeric order, those that are set. */
export function keyPool(keyEnv: string, keyNames: readonly string[]): string[] {
  const numbered = keyNames
    .filter((name) => name.startsWith(`${keyEnv}_`) && /^\d+$/.test(name.slice(keyEnv.length + 1)))
    .sort((a, b) => Number(a.slice(keyEnv.length + 1)) - Number(b.slice(keyEnv.length + 1)));
  return [...(keyNames.includes(keyEnv) ? [keyEnv] : []), ...numbered];
}

/** Decides the attempts. Never throws on input; what cannot be served is a refusal with its reason. */
export function resolve({ requested, generation, keyNames }: ResolveInput): Resolution {
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
  for (const [index, label] of labels.entries()) {
    const backend = findBackend(generation, label);
    const role = index === 0 ? "the slot's backend" : `fallback ${index}`;
    if (backend === undefined) skipped.push({ label, why: "unknown backend" });
    else if (backend.keyEnv === null) attempts.push({ backend, keyName: null, why: role });
    else {
      const pool = keyPool(backend.keyEnv, keyNames);
      if (pool.length === 0) skipped.push({ label, why: `${backend.keyEnv} is not set` });
      for (const [at, keyName] of pool.entries()) {
        attempts.push({ backend, keyName, why: pool.length === 1 ? role : `${role}, key ${at + 1} of ${pool.length}` });
      }
    }
  }
  if (attempts.length > 0) return { kind: "attempts", slot, attempts, skipped };
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
