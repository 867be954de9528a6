// Edits of slots, fallbacks and policies, pure: each takes a routing and returns the next, or throws `usage`/`missing` and changes nothing.

import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import { allBackends, findBackend } from "./backends.ts";
import { type FallbackScope, laneKey } from "./fallback.ts";
import type { Fallbacks, OwnSlot, Routing } from "./generation.ts";
import { defaultKeyPolicy, defaultModelPolicy, type Policy, policyModes } from "./policy.ts";
import { providers } from "./providers.ts";
import { slotOf, slotsOf } from "./slots.ts";

/** Throws `usage` with what was probably meant. */
function unknown(what: string, word: string, known: readonly string[], otherwise: string): never {
  const guess = nearest(word, known);
  throw new BrokeError("usage", `unknown ${what}`, guess === undefined ? otherwise : `did you mean ${guess}?`);
}

/** The id of an existing slot, by its id alone. */
export function knownSlot(routing: Routing, id: string): string {
  const ids = slotsOf(routing).map((slot) => slot.id);
  return ids.includes(id) ? id : unknown("slot", id, ids, `slots: ${ids.join(", ")}`);
}

/** An existing backend's label. */
export function knownLabel(routing: Routing, label: string): string {
  if (findBackend(routing, label) !== undefined) return label;
  const labels = allBackends(routing).map((backend) => backend.label);
  return unknown("backend", label, labels, "`broke models` lists the backends");
}

/** It is shown in lists. */
const MOST_TITLE = 200;
const SLOT_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i;

/** Adds a slot. None of its names may mean another slot already, or a backend. */
export function addSlot(routing: Routing, id: string, slot: OwnSlot): Routing {
  if (slot.title.length > MOST_TITLE) throw new BrokeError("usage", `a title has ${MOST_TITLE} characters at most`);
  for (const name of [id, ...slot.aliases]) {
    if (!SLOT_NAME.test(name) || (name === id && id !== id.toLowerCase()))
      throw new BrokeError("usage", "a slot's name is letters, digits, . _ -", "its id in small letters");
    const other = name.toLowerCase() === "all" ? "all slots" : slotOf(name, routing)?.id;
    if (other !== undefined) throw new BrokeError("usage", `${name} means ${other} already`, "choose another name");
  }
  const names = [id, ...slot.aliases].map((name) => name.toLowerCase());
  if (new Set(names).size < names.length) throw new BrokeError("usage", "a name is given twice");
  return { ...routing, ownSlots: { ...routing.ownSlots, [id]: slot } };
}

const without = <T>(record: Record<string, T>, drop: (key: string) => boolean): Record<string, T> =>
  Object.fromEntries(Object.entries(record).filter(([key]) => !drop(key)));

/** Removes one, with what was set for it. Throws `denied` while a team, a profile, another slot or an access list names it. */
export function removeSlot(routing: Routing, id: string): Routing {
  if (!Object.hasOwn(routing.ownSlots, id)) {
    const own = Object.keys(routing.ownSlots);
    const guess = nearest(id, own);
    throw new BrokeError(
      "missing",
      "no such slot of yours",
      guess === undefined ? "`broke slot list` shows them" : `did you mean ${guess}?`,
    );
  }
  const users = [
    ...Object.entries(routing.teams).flatMap(([name, { slots, access }]) =>
      Object.hasOwn(slots, id) || access.slots?.includes(id) ? [`the team ${name}`] : [],
    ),
    ...Object.entries(routing.profiles).flatMap(([name, { access }]) =>
      access.slots?.includes(id) ? [`the profile ${name}`] : [],
    ),
    ...Object.entries(routing.fallbacks.slot).flatMap(([slot, targets]) =>
      slot !== id && targets.includes(id) ? [`the fallbacks of ${slot}`] : [],
    ),
    ...(routing.access.slots?.includes(id) ? ["the access of who has no profile"] : []),
  ];
  if (users.length > 0)
    throw new BrokeError("denied", `${id} is used by ${users.join(", ")}`, "take it out there first");
  const isIt = (key: string) => key === id;
  const { direct, lane, backend, slot } = routing.fallbacks;
  return {
    ...routing,
    ownSlots: without(routing.ownSlots, isIt),
    slots: without(routing.slots, isIt),
    modelPolicies: without(routing.modelPolicies, isIt),
    fallbacks: {
      direct: without(direct, isIt),
      lane: without(lane, (key) => key.startsWith(`${id}|`)),
      backend,
      slot: without(slot, isIt),
    },
  };
}

const keyOfScope: Record<FallbackScope, (slot: string, label: string) => string> = {
  direct: (slot) => slot,
  lane: laneKey,
  backend: (_, label) => label,
  slot: (slot) => slot,
};

/** Sets who follows a slot's backend in one scope; `targets` null takes the entry away. Targets are labels, slots in the scope `slot`. */
export function setFallback<Part extends { slots: Record<string, string>; fallbacks: Fallbacks }>(
  routing: Routing,
  part: Part,
  { slot: id, scope, targets }: { slot: string; scope: FallbackScope; targets: readonly string[] | null },
): Part {
  const slot = knownSlot(routing, id);
  const label = Object.hasOwn(part.slots, slot) ? part.slots[slot]! : undefined;
  if (label === undefined && (scope === "lane" || scope === "backend"))
    throw new BrokeError("usage", `no backend is set for the slot ${slot}`, `broke swap ${slot}=<backend>`);
  const key = keyOfScope[scope](slot, label ?? "");
  const entries = without(part.fallbacks[scope], (other) => other === key);
  if (targets !== null) {
    const known = targets.map((target) =>
      scope === "slot" ? knownSlot(routing, target) : knownLabel(routing, target),
    );
    if (new Set(known).size < known.length) throw new BrokeError("usage", "a fallback is given twice");
    if (known.includes(scope === "slot" ? slot : (label ?? "")))
      throw new BrokeError("usage", "a slot's own backend cannot follow itself");
    entries[key] = known;
  }
  return { ...part, fallbacks: { ...part.fallbacks, [scope]: entries } };
}

/** What of a policy is changed; what is absent stays. */
export type PolicyChange = {
  mode?: string;
  order?: readonly string[];
  weights?: Record<string, number>;
  cooldownMs?: number | null;
  retries?: number | null;
};

function changed(policy: Policy, change: PolicyChange, member: (name: string) => string): Policy {
  const mode = policyModes.find((known) => known === (change.mode ?? policy.mode));
  if (mode === undefined) return unknown("mode", change.mode ?? "", policyModes, `modes: ${policyModes.join(", ")}`);
  const order = (change.order ?? policy.order).map(member);
  if (new Set(order).size < order.length) throw new BrokeError("usage", "the order names something twice");
  const weights = change.weights ?? policy.weights;
  for (const name of Object.keys(weights)) member(name);
  const { cooldownMs = policy.cooldownMs, retries = policy.retries } = change;
  return { mode, order, weights, cooldownMs, retries };
}

/** Names of the key pools a policy may be for: providers, and the variables of the operator's own backends. */
export function keyPoolNames(routing: Routing): string[] {
  const own = Object.values(routing.backends).flatMap(({ keyEnv }) => (keyEnv === null ? [] : [keyEnv]));
  return [...new Set([...providers.keys(), ...own])];
}

/** Changes how a provider's keys are chosen. Every key named is one of its pool's. */
export function changeKeyPolicy(routing: Routing, name: string, change: PolicyChange): Routing {
  const names = keyPoolNames(routing);
  if (!names.includes(name)) unknown("provider", name, names, `known: ${names.join(", ")}`);
  const base = providers.get(name)?.keyEnv ?? name;
  const isMember = (key: string) =>
    key === base || (key.startsWith(`${base}_`) && /^\d+$/.test(key.slice(base.length + 1)));
  const policy = changed(routing.keyPolicies[name] ?? defaultKeyPolicy, change, (key) => {
    if (isMember(key)) return key;
    throw new BrokeError("usage", "a key is named that is not of this pool", `its keys are ${base}, ${base}_2, …`);
  });
  return { ...routing, keyPolicies: { ...routing.keyPolicies, [name]: policy } };
}

/** Changes how a slot's model is chosen. Its first order is its own backend. */
export function changeModelPolicy(routing: Routing, id: string, change: PolicyChange): Routing {
  const slot = knownSlot(routing, id);
  const own = Object.hasOwn(routing.slots, slot) ? [routing.slots[slot]!] : [];
  const before = routing.modelPolicies[slot] ?? { ...defaultModelPolicy, order: own };
  const policy = changed(before, change, (label) => knownLabel(routing, label));
  return { ...routing, modelPolicies: { ...routing.modelPolicies, [slot]: policy } };
}
