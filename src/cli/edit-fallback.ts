// One change of a fallback chain, of the live routing or of a saved team. Pure.

import { BrokeError } from "#src/core/errors.ts";
import { didYouMean } from "#src/core/nearest.ts";
import { setFallback } from "#src/routing/edit-policies.ts";
import { fallbackScopes } from "#src/routing/fallback.ts";
import type { Routing } from "#src/routing/generation.ts";

/** The routing with the chain set, or taken away where `targets` is null. Throws `usage` and `missing`. */
export function editFallback(
  routing: Routing,
  change: { slot: string; team: string | undefined; scope: string; targets: readonly string[] | null },
): Routing {
  const scope = fallbackScopes.find((known) => known === change.scope);
  if (scope === undefined) throw new BrokeError("usage", "unknown scope", `scopes: ${fallbackScopes.join(", ")}`);
  const { slot, team, targets } = change;
  if (team === undefined) return setFallback(routing, routing, { slot, scope, targets });
  if (!Object.hasOwn(routing.teams, team)) {
    throw new BrokeError("missing", "no such team", didYouMean(team, Object.keys(routing.teams)));
  }
  const next = setFallback(routing, routing.teams[team]!, { slot, scope, targets });
  return { ...routing, teams: { ...routing.teams, [team]: next } };
}
