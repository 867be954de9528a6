// How long what failed is left alone, by the policy it was chosen under. Pure.

import type { Backend } from "./backends.ts";
import { findBackend } from "./backends.ts";
import { keyPolicyOf } from "./candidates.ts";
import type { Routing } from "./generation.ts";
import type { HealthReason } from "./health.ts";
import { providers } from "./providers.ts";

const OF_THE_KEY: ReadonlySet<HealthReason> = new Set(["rate_limit", "auth_failure", "quota_exhausted"]);

/** What the policy says of a failed attempt for this slot; null where none does. */
export function cooldownOf(
  routing: Routing,
  slot: string,
  { backend }: { backend: Pick<Backend, "keyEnv" | "provider"> },
  reason: HealthReason,
): number | null {
  const model = Object.hasOwn(routing.modelPolicies, slot) ? routing.modelPolicies[slot]!.cooldownMs : null;
  return OF_THE_KEY.has(reason) ? (keyPolicyOf(routing, backend)?.cooldownMs ?? null) : model;
}

const isIn = (keyName: string, base: string) => keyName === base || new RegExp(`^${base}_\\d+$`).test(keyName);

/** The policy's cooldown of a key, by the name of its variable; null where no policy says. */
export function keyCooldown(routing: Routing, keyName: string): number | null {
  const pools = [
    ...[...providers.values()].map(({ id, keyEnv }) => ({ provider: id, keyEnv })),
    ...Object.keys(routing.backends).flatMap((label) => findBackend(routing, label) ?? []),
  ];
  const pool = pools.find(({ keyEnv }) => keyEnv !== null && isIn(keyName, keyEnv));
  return pool === undefined ? null : (keyPolicyOf(routing, pool)?.cooldownMs ?? null);
}

/** The policy's cooldown of a backend, the first policy's of a slot that has it; null where none says. */
export function modelCooldown(routing: Routing, label: string): number | null {
  const of = Object.entries(routing.modelPolicies).find(
    ([slot, { order, cooldownMs }]) => cooldownMs !== null && (order.includes(label) || routing.slots[slot] === label),
  );
  return of?.[1].cooldownMs ?? null;
}
