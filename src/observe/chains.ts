// Fallback chains as they are executed, for people and programs.

import { BrokeError } from "#src/core/errors.ts";
import { type FallbackScope, fallbackOf } from "#src/routing/fallback.ts";
import type { Generation } from "#src/routing/generation.ts";
import { knownSlot } from "#src/routing/edit-policies.ts";
import { slotsOf } from "#src/routing/slots.ts";
import { floatingOf } from "./routes.ts";
import { type View, viewOf } from "#src/routing/view.ts";

export type ChainView = {
  /** Null: the live routing. */
  team: string | null;
  slot: string;
  backend: string;
  scope: FallbackScope | null;
  fallbacks: string[];
  /** Of all of them, those behind whose name the provider may put another model. */
  floating: string[];
  /** As it is shown: `A → B [direct]`. */
  text: string;
};

const viewOfTeam = (generation: Generation, name: string): View => {
  if (!Object.hasOwn(generation.teams, name))
    throw new BrokeError("missing", "no such team", "`broke team list` shows them");
  return { profile: null, ...generation.teams[name]! };
};

/** The chains of the live routing, of one team, or of all teams; of one slot, or of all that are set. */
export function chainsOf(
  generation: Generation,
  { team, teams, slot }: { team?: string | undefined; teams?: boolean; slot?: string | undefined },
): ChainView[] {
  if (slot !== undefined) knownSlot(generation, slot);
  const names = team === undefined ? (teams === true ? Object.keys(generation.teams) : [null]) : [team];
  return names.flatMap((name) => {
    const view = name === null ? viewOf(generation, null)! : viewOfTeam(generation, name);
    return slotsOf(generation).flatMap(({ id }): ChainView[] => {
      if ((slot !== undefined && slot !== id) || !Object.hasOwn(view.slots, id)) return [];
      const backend = view.slots[id]!;
      const { scope, labels } = fallbackOf(view, id) ?? { scope: null, labels: [] };
      const text = labels.length === 0 ? `${backend} —` : `${[backend, ...labels].join(" → ")} [${scope}]`;
      const floating = floatingOf(generation, [backend, ...labels]);
      return [{ team: name, slot: id, backend, scope, fallbacks: labels, floating, text }];
    });
  });
}
