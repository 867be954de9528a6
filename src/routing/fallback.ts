// Who answers where a slot's backend does not: the chain of the first scope that has one. Executed exactly as printed. Pure.

import { allowsSlot } from "./access.ts";
import type { View } from "./view.ts";

export const fallbackScopes = ["direct", "lane", "backend", "slot"] as const;
export type FallbackScope = (typeof fallbackScopes)[number];

export type Chain = { scope: FallbackScope; labels: string[] };

export const laneKey = (slot: string, label: string) => `${slot}|${label}`;

/** The slot's chain, without its own backend; undefined when no scope has one. Slots that are not set, or not allowed, give nothing. */
export function fallbackOf({ slots, fallbacks, access }: View, slot: string): Chain | undefined {
  const primary = Object.hasOwn(slots, slot) ? slots[slot] : undefined;
  if (primary === undefined) return undefined;
  const keys: Record<FallbackScope, string> = {
    direct: slot,
    lane: laneKey(slot, primary),
    backend: primary,
    slot,
  };
  const scope = fallbackScopes.find((name) => Object.hasOwn(fallbacks[name], keys[name]));
  if (scope === undefined) return undefined;
  const targets = fallbacks[scope][keys[scope]]!;
  const labels =
    scope === "slot"
      ? targets.flatMap((other) => (Object.hasOwn(slots, other) && allowsSlot(access, other) ? [slots[other]!] : []))
      : targets;
  return { scope, labels: [...new Set(labels)].filter((label) => label !== primary) };
}
