// Whether what a caller says will most likely be passed on as it is, known before his request is read: some slot of his is served in his dialect. A guess, for speed alone: nothing is decided by it. Pure.

import type { Dialect } from "#src/core/dialects.ts";
import { findBackend } from "./backends.ts";
import type { Generation } from "./generation.ts";
import { type View, viewOf } from "./view.ts";

const spoken = new WeakMap<View, ReadonlySet<Dialect>>();

function dialectOf(generation: Generation, label: string): Dialect | undefined {
  try {
    return findBackend(generation, label)?.dialect;
  } catch {
    // A backend that is damaged is refused by the resolver, and only to who asks for it.
    return undefined;
  }
}

function dialectsOf(generation: Generation, { slots }: View): ReadonlySet<Dialect> {
  const labels = new Set(Object.values(slots));
  return new Set([...labels].flatMap((label) => dialectOf(generation, label) ?? []));
}

/** False also where there is no such profile. */
export function mayPass(generation: Generation, profile: string | null, dialect: Dialect): boolean {
  const view = viewOf(generation, profile);
  if (view === undefined) return false;
  let dialects = spoken.get(view);
  if (dialects === undefined) spoken.set(view, (dialects = dialectsOf(generation, view)));
  return dialects.has(dialect);
}
