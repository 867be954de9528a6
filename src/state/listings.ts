// The providers' own lists of models, as they were when they were last asked for, for views and for `swap`; the resolver knows nothing of them.

import * as v from "valibot";
import type { Clock } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import { type Listing, type Listings, listingSchema } from "#src/routing/listing.ts";
import type { Db } from "./database.ts";
import { requireThawed } from "./freeze.ts";

export type ListingStore = {
  /** By source: a provider's id, or a base URL of the operator's. */
  all(): Listings;
  /** Takes a list in the place of the last. While frozen it throws `denied`. */
  put(source: string, listing: Listing): void;
};

/** The store in an open database. */
export function openListings(db: Db, clock: Clock): ListingStore {
  const all = db.query<{ source: string; listed_ms: number; body: string }, []>(
    "SELECT source, listed_ms, body FROM listings ORDER BY source",
  );
  const upsert = db.query(
    `INSERT INTO listings (source, listed_ms, body) VALUES (?, ?, ?)
     ON CONFLICT (source) DO UPDATE SET listed_ms = excluded.listed_ms, body = excluded.body`,
  );
  return {
    all: () =>
      new Map(
        all.all().map(({ source, listed_ms: listedMs, body }) => {
          const listing = v.safeParse(listingSchema, parseJson(body));
          if (!listing.success)
            throw new BrokeError("config", `the list of ${source} in broke.db is damaged`, "`broke models --refresh`");
          return [source, { ...listing.output, listedMs }];
        }),
      ),
    put: (source, listing) =>
      db
        .transaction(() => {
          requireThawed(db);
          upsert.run(source, clock(), JSON.stringify(listing));
        })
        .immediate(),
  };
}
