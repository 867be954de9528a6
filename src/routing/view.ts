// What one caller's requests route by: the live routing, or the team of the caller's profile, with what the profile leaves of it. Pure.

import { type Access, narrow } from "./access.ts";
import type { Fallbacks, Generation } from "./generation.ts";

/** `profile` null: the live routing. */
export type View = { profile: string | null; slots: Record<string, string>; fallbacks: Fallbacks; access: Access };

const known = new WeakMap<Generation, Map<string | null, View>>();

function makeView(generation: Generation, profile: string | null): View | undefined {
  if (profile === null) {
    const { slots, fallbacks, access } = generation;
    return { profile, slots, fallbacks, access };
  }
  const named = Object.hasOwn(generation.profiles, profile) ? generation.profiles[profile] : undefined;
  if (named === undefined || !Object.hasOwn(generation.teams, named.team)) return undefined;
  const { slots, fallbacks, access } = generation.teams[named.team]!;
  return { profile, slots, fallbacks, access: narrow(access, named.access) };
}

/** The view of a profile, always the same object for the same generation; undefined when there is no such profile, or its team is gone. */
export function viewOf(generation: Generation, profile: string | null): View | undefined {
  let views = known.get(generation);
  if (views === undefined) known.set(generation, (views = new Map()));
  const kept = views.get(profile);
  if (kept !== undefined) return kept;
  const view = makeView(generation, profile);
  if (view !== undefined) views.set(profile, view);
  return view;
}
