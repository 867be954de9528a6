// `broke models --refresh`: asks everybody whose key is set for his list of models, at once, and keeps what came.

import { BrokeError } from "#src/core/errors.ts";
import { systemClock } from "#src/core/clock.ts";
import { askForList } from "#src/gateway/listing.ts";
import { listSources } from "#src/routing/listing.ts";
import { requireThawed } from "#src/state/freeze.ts";
import type { ListingStore } from "#src/state/listings.ts";
import type { State } from "./compose.ts";
import { note } from "./output.ts";

/** Whether all who were asked answered; of the others it says why. Throws `denied` while frozen, before anybody is asked, and `missing`. */
export async function refreshModels(
  { db, generations, keys, health }: State,
  listings: ListingStore,
): Promise<boolean> {
  requireThawed(db);
  const known = { keys, health, nowMs: systemClock() };
  const sources = [...listSources(generations.current())];
  const answers = await Promise.all(sources.map(([source, backend]) => askForList(source, backend, known)));
  const asked = answers.filter((answer) => answer.kind !== "unset");
  if (asked.length === 0)
    throw new BrokeError("missing", "no provider has a key", "put one into .env in BROKE_HOME, or add a backend");
  for (const answer of asked) {
    if (answer.kind === "listed") listings.put(answer.source, answer.listing);
    else note(`${answer.source}: ${answer.why}`);
  }
  return asked.every(({ kind }) => kind === "listed");
}
