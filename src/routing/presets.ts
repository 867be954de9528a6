// Teams and profiles, pure: a team is a saved routing, a profile a team narrowed. Each edit takes a routing and returns the next, or throws
// `usage`/`missing`/`denied` and changes nothing.

import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import { type Access, narrow, openAccess } from "./access.ts";
import type { Profile, Routing, Team } from "./generation.ts";
import { slotsOf } from "./slots.ts";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** It is shown in lists. */
const MOST_DESCRIPTION = 500;

/** Undefined: as it was. Limits of 0: none. `slots` null: all of them. */
export type AccessChange = Partial<Access>;

function checkName(name: string, what: string): void {
  if (!NAME.test(name) || ["__proto__", "constructor"].includes(name))
    throw new BrokeError("usage", `a ${what}'s name is letters, digits, dots, dashes and underscores, 64 at most`);
}

function known<Item>(items: Record<string, Item>, name: string, what: string, list: string): Item {
  if (Object.hasOwn(items, name)) return items[name]!;
  const guess = nearest(name, Object.keys(items));
  throw new BrokeError("missing", `no such ${what}`, guess === undefined ? list : `did you mean ${guess}?`);
}

/** The team of that name. Throws `missing`. */
export const teamOf = (routing: Routing, name: string): Team =>
  known(routing.teams, name, "team", "`broke team list` shows them");
/** The profile of that name. Throws `missing`. */
export const profileOf = (routing: Routing, name: string): Profile =>
  known(routing.profiles, name, "profile", "`broke profile list` shows them");

/** Throws `usage` for a slot that is none. */
export function checkSlots(routing: Routing, ids: readonly string[]): void {
  const all = slotsOf(routing).map(({ id }) => id);
  for (const id of ids) {
    if (all.includes(id)) continue;
    const guess = nearest(id, all);
    throw new BrokeError(
      "usage",
      "unknown slot",
      guess === undefined ? `slots: ${all.join(", ")}` : `did you mean ${guess}?`,
    );
  }
}

function changeAccess(routing: Routing, access: Access, change: AccessChange): Access {
  checkSlots(routing, change.slots ?? []);
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  return { ...access, ...given };
}

/** Saves the live routing as a team. One of that name is replaced, but for what it may use: profiles and their tokens are held to that. */
export function saveTeam(routing: Routing, name: string, mode: Team["mode"]): Routing {
  checkName(name, "team");
  const { slots, fallbacks } = routing;
  const { access } = Object.hasOwn(routing.teams, name) ? teamOf(routing, name) : routing;
  return { ...routing, teams: { ...routing.teams, [name]: { mode, slots, fallbacks, access } } };
}

/** Makes a team's routing the live one. */
export function loadTeam(routing: Routing, name: string): Routing {
  const { slots, fallbacks, access } = teamOf(routing, name);
  return { ...routing, slots, fallbacks, access };
}

/** Removes a team. Throws `denied` while a profile is made of it. */
export function deleteTeam(routing: Routing, name: string): Routing {
  teamOf(routing, name);
  const users = Object.entries(routing.profiles).flatMap(([profile, { team }]) => (team === name ? [profile] : []));
  if (users.length > 0)
    throw new BrokeError("denied", `the team is used by the profiles ${users.join(", ")}`, "delete those first");
  const { [name]: _, ...teams } = routing.teams;
  return { ...routing, teams };
}

const withTeam = (routing: Routing, name: string, change: Partial<Team>): Routing => ({
  ...routing,
  teams: { ...routing.teams, [name]: { ...teamOf(routing, name), ...change } },
});

/** Changes what a saved team may use. */
export function setTeamAccess(routing: Routing, name: string, change: AccessChange): Routing {
  return withTeam(routing, name, { access: changeAccess(routing, teamOf(routing, name).access, change) });
}

/** Makes a profile of a team; one of that name is replaced. Its access can only narrow the team's. */
export function newProfile(
  routing: Routing,
  name: string,
  { team, description, access }: { team: string; description: string; access: AccessChange },
  replaces = false,
): Routing {
  checkName(name, "profile");
  if (!replaces && Object.hasOwn(routing.profiles, name))
    throw new BrokeError(
      "usage",
      `there is a profile ${name} already`,
      "--replace replaces all of it, for the tokens that are bound to it too",
    );
  if (description.length > MOST_DESCRIPTION)
    throw new BrokeError("usage", `a description has ${MOST_DESCRIPTION} characters at most`);
  teamOf(routing, team);
  const profile = { team, description, access: changeAccess(routing, openAccess, access) };
  return { ...routing, profiles: { ...routing.profiles, [name]: profile } };
}

/** Makes a profile's routing, and what it may use, the live ones. */
export function loadProfile(routing: Routing, name: string): Routing {
  const { team, access } = profileOf(routing, name);
  const loaded = loadTeam(routing, team);
  return { ...loaded, access: narrow(loaded.access, access) };
}

/** Removes a profile. */
export function deleteProfile(routing: Routing, name: string): Routing {
  profileOf(routing, name);
  const { [name]: _, ...profiles } = routing.profiles;
  return { ...routing, profiles };
}
