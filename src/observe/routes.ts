// Views of the resolver's answer, for people and programs. They ask the resolver; they decide nothing.

import { findBackend } from "#src/routing/backends.ts";
import type { Generation } from "#src/routing/generation.ts";
import { resolve, type ResolveInput } from "#src/routing/resolve.ts";
import { fallbackOf } from "#src/routing/fallback.ts";
import { allowedSlots } from "#src/routing/resolve.ts";
import { viewOf } from "#src/routing/view.ts";

export type RouteView =
  | {
      kind: "attempts";
      slot: string;
      generation: number;
      attempts: {
        backend: string;
        model: string;
        dialect: string;
        key: string | null;
        pinned: boolean | null;
        why: string;
      }[];
      skipped: { label: string; why: string }[];
    }
  | { kind: "refused"; slot: string | null; generation: number; reason: string; message: string; hint: string };

/** What the resolver goes by, but for the question. */
export type Known = Omit<ResolveInput, "requested">;

/** What would be tried for a slot or a client's model name. Keys by name of their variable. */
export function describeRoute(requested: string, known: Known): RouteView {
  const { generation } = known;
  const resolution = resolve({ requested, ...known });
  if (resolution.kind === "refused") {
    const { reason, message, hint } = resolution;
    return { kind: "refused", slot: resolution.slot?.id ?? null, generation: generation.id, reason, message, hint };
  }
  return {
    kind: "attempts",
    slot: resolution.slot.id,
    generation: generation.id,
    attempts: resolution.attempts.map(({ backend, keyName, why }) => ({
      backend: backend.label,
      model: backend.model,
      dialect: backend.dialect,
      key: keyName,
      pinned: backend.pinned,
      why,
    })),
    skipped: resolution.skipped,
  };
}

/** Of these labels, those whose name is known to come to mean other models. */
export const floatingOf = (generation: Generation, labels: readonly string[]): string[] =>
  labels.filter((label) => findBackend(generation, label)?.pinned === false);

export type SlotView = {
  slot: string;
  client: string | null;
  backends: string[];
  /** Of them, those behind whose name the provider may put another model. */
  floating: string[];
  served: boolean;
  problem: string | null;
};

/** Every slot with its backends and whether it would be served now. */
export function describeSlots(known: Known): SlotView[] {
  const view = viewOf(known.generation, known.profile ?? null);
  if (view === undefined) return [];
  return allowedSlots(known.generation, view).map((slot) => {
    const resolution = resolve({ requested: slot.id, ...known });
    const problem =
      resolution.kind === "refused" ? (resolution.reason === "slot_not_set" ? "not set" : resolution.message) : null;
    const backends = [view.slots[slot.id], ...(fallbackOf(view, slot.id)?.labels ?? [])].filter(
      (label) => label !== undefined,
    );
    return {
      slot: slot.id,
      client: slot.client,
      backends,
      floating: floatingOf(known.generation, backends),
      served: resolution.kind === "attempts",
      problem,
    };
  });
}
