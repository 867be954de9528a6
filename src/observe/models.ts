// Every backend a slot can be pointed at, with what is known of it and whether its provider still lists it. Views alone go by the lists.

import { isoTime } from "#src/core/clock.ts";
import { allBackends, type Backend } from "#src/routing/backends.ts";
import { keyPool } from "#src/routing/candidates.ts";
import type { Routing } from "#src/routing/generation.ts";
import { listedOf, listedState, type ListedView, type Listings, sourceOf } from "#src/routing/listing.ts";
import { providers } from "#src/routing/providers.ts";

/** `keys` null: it needs none. `listed` null: nobody asked, or what came was not all. */
export type ModelView = Backend & {
  provider_name: string | null;
  keys: number | null;
  listed: "listed" | "stale" | null;
  listed_at: string | null;
};

/** The operator's own first. What neither he nor the catalogue knows is the provider's word, where there is one. */
export function describeModels(routing: Routing, listings: Listings, keyNames: readonly string[]): ModelView[] {
  return allBackends(routing).map((backend) => {
    const { state: listed, listed: said } = listedState(backend, listings);
    const { listedMs } = listings.get(sourceOf(backend)) ?? {};
    return {
      ...backend,
      provider_name: backend.provider === null ? null : (providers.get(backend.provider)?.name ?? null),
      contextWindow: backend.contextWindow ?? said?.contextWindow ?? null,
      modalities: backend.modalities ?? said?.modalities ?? null,
      price: backend.price ?? said?.price ?? null,
      keys: backend.keyEnv === null ? null : keyPool(backend.keyEnv, keyNames).length,
      listed,
      listed_at: listedMs === undefined ? null : isoTime(listedMs),
    };
  });
}

/** All that one source lists, each under the label that `swap` takes. */
export function describeListed(
  routing: Routing,
  name: string,
  listings: Listings,
): (Omit<ListedView, "listedMs"> & { listed_at: string })[] {
  return listedOf(routing, name, listings).map(({ listedMs, ...one }) => ({ ...one, listed_at: isoTime(listedMs) }));
}
