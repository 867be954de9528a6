// The members of a request that have a value: what a client left out stays left out.

import type { CanonicalRequest } from "./canonical.ts";

/** The members with a value, under their canonical names. */
export function present<Key extends keyof CanonicalRequest>(values: {
  [key in Key]: CanonicalRequest[key] | null | undefined;
}): { [key in Key]?: NonNullable<CanonicalRequest[key]> } {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null && value !== undefined),
  ) as never;
}
