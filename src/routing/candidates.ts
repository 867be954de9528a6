// Every call that could be made for a slot, in the order written down, whatever is known of keys and backends at the moment: what the generation, the
// caller's view and the keys alone decide, so it is worked out once for all three and kept with the generation.

import { type Backend, findBackend } from "./backends.ts";
import { type Chain, fallbackOf } from "./fallback.ts";
import type { Generation, Routing } from "./generation.ts";
import type { Policy } from "./policy.ts";
import { subjectsOf } from "./health.ts";
import { makePool, type Pool, type Turn } from "./rotation.ts";
import { type Slot, slotsOf } from "./slots.ts";
import { allowsSlot } from "./access.ts";
import type { View } from "./view.ts";

/**
 * One call that may be made. `keyName` is the variable that holds the key, null for a backend without one. `turns`: the pools under a policy whose
 * turn it takes, the model's and the key's.
 */
export type Attempt = {
  backend: Backend;
  keyName: string | null;
  why: string;
  turns?: { model: Turn | null; key: Turn | null };
  subjects?: readonly string[];
};

/** A label that gives nothing to call, and why. */
export type Skipped = { label: string; why: string };

/** One backend a slot may use. `pool`: how one of its keys is chosen; null: in order. */
export type Lane = { label: string; attempts: readonly Attempt[]; problem: string | null; pool: Pool | null };

/** `pool`: how one of the first lanes is chosen; null: in order. `rest` follow them. */
export type Plan = { lanes: readonly Lane[]; pool: Pool | null; rest: readonly Lane[]; chain: Chain | null };

/** A provider's key pool: the base variable, then `<BASE>_<digits>` in numeric order, those that are set. */
export function keyPool(keyEnv: string, keyNames: readonly string[]): string[] {
  const numbered = keyNames
    .filter((name) => name.startsWith(`${keyEnv}_`) && /^\d+$/.test(name.slice(keyEnv.length + 1)))
    .sort((a, b) => Number(a.slice(keyEnv.length + 1)) - Number(b.slice(keyEnv.length + 1)));
  return [...(keyNames.includes(keyEnv) ? [keyEnv] : []), ...numbered];
}

/** The policy that chooses among a backend's keys: of the variable itself, else of the provider. */
export function keyPolicyOf(
  { keyPolicies }: Pick<Routing, "keyPolicies">,
  { keyEnv, provider }: Pick<Backend, "keyEnv" | "provider">,
): Policy | undefined {
  const named = [keyEnv, provider].find((name) => name !== null && Object.hasOwn(keyPolicies, name));
  return named === undefined || named === null ? undefined : keyPolicies[named];
}

export const keyPoolName = (keyEnv: string) => `keys ${keyEnv}`;
export const modelPoolName = (slot: string, { profile }: Pick<View, "profile">) =>
  profile === null ? `models ${slot}` : `models ${slot} of ${profile}`;

function laneOf(
  generation: Generation,
  label: string,
  role: string,
  keyNames: readonly string[],
  models: Pool | null,
): Lane {
  const backend = findBackend(generation, label);
  const none = (problem: string): Lane => ({ label, attempts: [], problem, pool: null });
  if (backend === undefined) return none("unknown backend");
  const model = models === null ? null : { pool: models, member: label };
  const { keyEnv } = backend;
  if (keyEnv === null) {
    const turns = model === null ? {} : { turns: { model, key: null } };
    return {
      label,
      attempts: [{ backend, keyName: null, why: role, ...turns, subjects: subjectsOf({ backend, keyName: null }) }],
      problem: null,
      pool: null,
    };
  }
  const set = keyPool(keyEnv, keyNames);
  if (set.length === 0) return none(`${keyEnv} is not set`);
  const policy = keyPolicyOf(generation, backend);
  const named = (policy?.order ?? []).filter((name) => set.includes(name));
  const pool = policy === undefined ? null : makePool(keyPoolName(keyEnv), policy, [...new Set([...named, ...set])]);
  const members = pool?.members ?? set;
  const attempts = members.map((keyName, at): Attempt => {
    const key = pool === null ? null : { pool, member: keyName };
    const why = members.length === 1 ? role : `${role}, key ${at + 1} of ${members.length}`;
    const subjects = subjectsOf({ backend, keyName });
    return { backend, keyName, why, subjects, ...(model === null && key === null ? {} : { turns: { model, key } }) };
  });
  return { label, attempts, problem: null, pool };
}

function makePlan(generation: Generation, view: View, slot: string, keyNames: readonly string[]): Plan | undefined {
  const primary = Object.hasOwn(view.slots, slot) ? view.slots[slot] : undefined;
  if (primary === undefined) return undefined;
  const chain = fallbackOf(view, slot);
  const followers = chain?.labels ?? [];
  const stored = Object.hasOwn(generation.modelPolicies, slot) ? generation.modelPolicies[slot] : undefined;
  // A team's own backends are all that its profiles may use.
  const named = (stored?.order ?? []).filter(
    (label) => view.profile === null || label === primary || followers.includes(label),
  );
  const policy = stored === undefined ? undefined : { ...stored, order: named };
  const chosen = named.includes(primary) ? named : [primary, ...named];
  const pool = policy === undefined ? null : makePool(modelPoolName(slot, view), policy, [...new Set(chosen)]);
  const first = pool?.members ?? [primary];
  const rest = followers.filter((label) => !first.includes(label));
  const roleOf = (label: string, at: number) =>
    label === primary
      ? "the slot's backend"
      : at < first.length
        ? "the slot's policy"
        : `fallback ${at - first.length + 1}`;
  const lanes = [...new Set([...first, ...rest])].map((label, at) =>
    laneOf(generation, label, roleOf(label, at), keyNames, at < first.length ? pool : null),
  );
  return { lanes: lanes.slice(0, first.length), pool, rest: lanes.slice(first.length), chain: chain ?? null };
}

type Known = { keyNames: readonly string[]; plans: Map<string, Plan | undefined> };
const known = new WeakMap<View, Known>();

/** The slot's plan; undefined when no backend is set for it. Neither a view, its generation nor a list of names ever changes. */
export function planOf(
  generation: Generation,
  view: View,
  slot: string,
  keyNames: readonly string[],
): Plan | undefined {
  let entry = known.get(view);
  if (entry?.keyNames !== keyNames) {
    entry = { keyNames, plans: new Map() };
    known.set(view, entry);
  }
  if (entry.plans.has(slot)) return entry.plans.get(slot);
  const plan = makePlan(generation, view, slot, keyNames);
  entry.plans.set(slot, plan);
  return plan;
}

const serving = new WeakMap<View, Map<string, Slot[]>>();

function servingIn(generation: Generation, view: View): Map<string, Slot[]> {
  const kept = serving.get(view);
  if (kept !== undefined) return kept;
  const names = new Map<string, Slot[]>();
  for (const slot of slotsOf(generation)) {
    const label = Object.hasOwn(view.slots, slot.id) ? view.slots[slot.id]! : undefined;
    const backend = label === undefined ? undefined : findBackend(generation, label);
    if (label === undefined || backend === undefined) continue;
    const full = backend.provider === null ? [] : [`${backend.provider}/${backend.model}`];
    for (const name of new Set([label, backend.model, ...full])) names.set(name, [...(names.get(name) ?? []), slot]);
  }
  serving.set(view, names);
  return names;
}

/**
 * The slot this backend answers for, for a client that names what answers instead of a slot: its label, its model, or provider and model. Of several
 * slots the first that is allowed, else the first; undefined when it answers for none.
 */
export function slotServing(generation: Generation, view: View, requested: string): Slot | undefined {
  const found = servingIn(generation, view).get(requested);
  return found?.find(({ id }) => allowsSlot(view.access, id)) ?? found?.[0];
}
