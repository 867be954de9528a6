// Labels that only a provider's list knows, made the operator's own backends in the edit that uses them.

import { systemClock } from "#src/core/clock.ts";
import { findBackend } from "#src/routing/backends.ts";
import type { Routing } from "#src/routing/generation.ts";
import type { State } from "./compose.ts";

/** A change that makes every one of the labels that a list knows a backend; what nobody knows stays unknown. */
export async function adopting(
  { db, generations }: Pick<State, "db" | "generations">,
  labels: readonly string[],
): Promise<(routing: Routing) => Routing> {
  const now = generations.current();
  if (labels.every((label) => findBackend(now, label) !== undefined)) return (routing) => routing;
  const { openListings } = await import("#src/state/listings.ts");
  const { adoptListed } = await import("#src/routing/listing.ts");
  const listings = openListings(db, systemClock).all();
  return (routing) => labels.reduce((next, label) => adoptListed(next, label, listings), routing);
}
