// Every call that could be made for a slot, in order, whatever is known of keys and backends at the moment: what the generation and the keys alone
// decide, so it is worked out once for both and kept with the generation.

import { type Backend, findBackend } from "./backends.ts";
import type { Generation } from "./generation.ts";
import { type Slot, slots } from "./slots.ts";

/** One call that may be made. `keyName` is the variable that holds the key, null for a backend without one. */
export type Attempt = { backend: Backend; keyName: string | null; why: string };

/** A label that gives nothing to call, and why. */
export type Skipped = { label: string; why: string };

export type Candidate = { kind: "attempt"; attempt: Attempt } | ({ kind: "skipped" } & Skipped);

/** A provider's key pool: the base variable, then `<BASE>_<digits>` in numeric order, those that are set. */
export function keyPool(keyEnv: string, keyNames: readonly string[]): string[] {
  const numbered = keyNames
    .filter((name) => name.startsWith(`${keyEnv}_`) && /^\d+$/.test(name.slice(keyEnv.length + 1)))
    .sort((a, b) => Number(a.slice(keyEnv.length + 1)) - Number(b.slice(keyEnv.length + 1)));
  return [...(keyNames.includes(keyEnv) ? [keyEnv] : []), ...numbered];
}

function candidatesAt(generation: Generation, label: string, index: number, keyNames: readonly string[]): Candidate[] {
  const backend = findBackend(generation, label);
  const role = index === 0 ? "the slot's backend" : `fallback ${index}`;
  if (backend === undefined) return [{ kind: "skipped", label, why: "unknown backend" }];
  if (backend.keyEnv === null) return [{ kind: "attempt", attempt: { backend, keyName: null, why: role } }];
  const pool = keyPool(backend.keyEnv, keyNames);
  if (pool.length === 0) return [{ kind: "skipped", label, why: `${backend.keyEnv} is not set` }];
  return pool.map((keyName, at) => ({
    kind: "attempt",
    attempt: { backend, keyName, why: pool.length === 1 ? role : `${role}, key ${at + 1} of ${pool.length}` },
  }));
}

type Known = { keyNames: readonly string[]; slots: Map<string, readonly Candidate[]> };
const known = new WeakMap<Generation, Known>();

/**
 * The slot that asks for this backend first, for a client that names what answers instead of a slot: its label, its model, or provider and model.
 * Of several slots the first; undefined when none asks for it.
 */
export function slotServing(generation: Generation, requested: string): Slot | undefined {
  return slots.find(({ id }) => {
    const label = Object.hasOwn(generation.slots, id) ? generation.slots[id]![0]! : undefined;
    const backend = label === undefined ? undefined : findBackend(generation, label);
    if (backend === undefined) return false;
    return [
      label,
      backend.model,
      ...(backend.provider === null ? [] : [`${backend.provider}/${backend.model}`]),
    ].includes(requested);
  });
}

/** The slot's candidates; undefined when no backend is set for it. Neither a generation nor a list of names ever changes. */
export function candidatesOf(
  generation: Generation,
  slot: string,
  keyNames: readonly string[],
): readonly Candidate[] | undefined {
  let entry = known.get(generation);
  if (entry?.keyNames !== keyNames) {
    entry = { keyNames, slots: new Map() };
    known.set(generation, entry);
  }
  const kept = entry.slots.get(slot);
  if (kept !== undefined) return kept;
  const labels = Object.hasOwn(generation.slots, slot) ? generation.slots[slot] : undefined;
  const candidates = labels?.flatMap((label, index) => candidatesAt(generation, label, index, keyNames));
  if (candidates !== undefined) entry.slots.set(slot, candidates);
  return candidates;
}
