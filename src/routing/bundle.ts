// A routing as one file for another machine: it names keys by their variables and holds no value of one, and no token. Taking one in shows what would
// change, and never sends a key where it did not go before without the operator's word. Pure.
// Does not stop: a label that says one thing and asks another; the difference shows what it asks.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { visible } from "#src/core/text.ts";
import { reservedName } from "#src/core/reserved.ts";
import { allBackends } from "./backends.ts";
import { addBackend } from "./edit.ts";
import { addSlot } from "./edit-policies.ts";
import { emptyRouting, type Routing, routingSchema } from "./generation.ts";
import { slotsOf } from "./slots.ts";
import { providers } from "./providers.ts";

const FORMAT = 1;

const bundleSchema = v.strictObject({ broke_export: v.literal(FORMAT), routing: routingSchema });

/** The file's content. */
export function exportRouting({ id: _, ...routing }: Routing & { id?: number }): Json {
  return { broke_export: FORMAT, routing } as Json;
}

/** Every label that is named, and where. */
function labelsIn({ slots, fallbacks, modelPolicies, teams }: Routing): { where: string; label: string }[] {
  const set = (where: string, all: Record<string, string>) =>
    Object.entries(all).map(([slot, label]) => ({ where: `${where}slots.${slot}`, label }));
  const chains = (where: string, { direct, lane, backend }: Routing["fallbacks"]) =>
    [direct, lane, backend].flatMap((scope) =>
      Object.entries(scope).flatMap(([from, labels]) =>
        labels.map((label) => ({ where: `${where}fallbacks of ${from}`, label })),
      ),
    );
  const orders = Object.entries(modelPolicies).flatMap(([slot, { order }]) =>
    order.map((label) => ({ where: `the policy of ${slot}`, label })),
  );
  const ofTeams = Object.entries(teams).flatMap(([team, saved]) => [
    ...set(`the team ${team}'s `, saved.slots),
    ...chains(`the team ${team}'s `, saved.fallbacks),
  ]);
  return [...set("", slots), ...chains("", fallbacks), ...orders, ...ofTeams];
}

/** What commands hold an edit to, and a file written by hand might not be. Throws `usage`. */
function checkParts(routing: Routing): void {
  const { backends, ownSlots, slots, teams, profiles } = routing;
  const wrong = (what: string) => new BrokeError("usage", `the export is not valid: ${what}`);
  let made = emptyRouting;
  for (const [name, backend] of Object.entries(backends)) {
    if (backend.label !== name) throw wrong("a backend stands under another name than its own");
    made = addBackend(made, backend);
  }
  for (const [id, slot] of Object.entries(ownSlots)) made = addSlot(made, id, slot);
  if (Object.values(profiles).some(({ team }) => !Object.hasOwn(teams, team)))
    throw wrong("a profile's team is not in it");
  const ids = new Set(slotsOf(routing).map(({ id }) => id));
  if (
    [slots, ...Object.values(teams).map((team) => team.slots)].some((set) =>
      Object.keys(set).some((id) => !ids.has(id)),
    )
  )
    throw wrong("it sets a slot that is none");
  const known = new Set(allBackends(routing).map(({ label }) => label));
  const lost = labelsIn(routing).find(({ label }) => !known.has(label));
  if (lost !== undefined) throw wrong(`${visible(lost.where)} names a backend that is not there`);
}

/** Reads one. Throws `usage` naming what does not fit. */
export function readBundle(document: Json | undefined): Routing {
  const reserved = reservedName(document);
  if (reserved !== undefined) throw new BrokeError("usage", `in the export something is called ${reserved}`);
  const parsed = v.safeParse(bundleSchema, document);
  if (parsed.success) {
    checkParts(parsed.output.routing);
    return parsed.output.routing;
  }
  const where = v.getDotPath(parsed.issues[0]);
  throw new BrokeError(
    "usage",
    where === null ? "the file is no export of broke's" : `the export is not valid at ${where}`,
    "`broke export FILE` writes one",
  );
}

const named = ["backends", "ownSlots", "slots", "keyPolicies", "modelPolicies", "teams", "profiles"] as const;
const scopes = ["direct", "lane", "backend", "slot"] as const;

/**
 * The routing with what the other adds. What is there under the same name stays, unless `overwrite`; so does what everybody may use, and the settings.
 * Throws `usage` where a name would mean two slots.
 */
export function mergeRouting(own: Routing, other: Routing, overwrite: boolean): Routing {
  const join = <Item>(mine: Record<string, Item>, theirs: Record<string, Item>) =>
    overwrite ? { ...mine, ...theirs } : { ...theirs, ...mine };
  const merged: Routing = { ...own };
  for (const group of named) Object.assign(merged, { [group]: join<unknown>(own[group], other[group]) });
  const fallbacks = { ...own.fallbacks };
  for (const scope of scopes) fallbacks[scope] = join(own.fallbacks[scope], other.fallbacks[scope]);
  // A name may mean one slot here and another there.
  Object.entries(merged.ownSlots).reduce((made, [id, slot]) => addSlot(made, id, slot), emptyRouting);
  const { access, lossless, silenceMs } = overwrite ? other : own;
  return { ...merged, fallbacks, access, lossless, silenceMs };
}

/** Where a key goes to. */
export type Destination = { keyEnv: string; baseUrl: string; label: string };

const spell = ({ keyEnv, baseUrl }: Pick<Destination, "keyEnv" | "baseUrl">) => `${keyEnv} ${baseUrl}`;

/** Keys that `next` would send to a base URL that they do not go to now, nor belong to. */
export function newDestinations(now: Routing, next: Routing): Destination[] {
  const owned = new Set(
    [...providers.values()].flatMap(({ keyEnv, endpoints }) =>
      keyEnv === null ? [] : Object.values(endpoints).map(({ baseUrl }) => spell({ keyEnv, baseUrl })),
    ),
  );
  for (const { keyEnv, baseUrl } of allBackends(now)) if (keyEnv !== null) owned.add(spell({ keyEnv, baseUrl }));
  return allBackends(next).flatMap(({ label, keyEnv, baseUrl }) =>
    keyEnv === null || owned.has(spell({ keyEnv, baseUrl })) ? [] : [{ keyEnv, baseUrl, label }],
  );
}
