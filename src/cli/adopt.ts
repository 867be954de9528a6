// Labels that only a provider's list knows, made the operator's own backends in the edit that uses them.

import { adoptListed } from "#src/routing/listing.ts";
import { findBackend } from "#src/routing/backends.ts";
import type { Routing } from "#src/routing/generation.ts";
import type { State } from "./compose.ts";

/** The routing with all of the labels that a list knows; what nobody knows stays unknown. */
export function adoptAll({ listings }: Pick<State, "listings">, routing: Routing, labels: readonly string[]): Routing {
  if (labels.every((label) => findBackend(routing, label) !== undefined)) return routing;
  const all = listings.all();
  return labels.reduce((next, label) => adoptListed(next, label, all), routing);
}
