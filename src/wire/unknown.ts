// What an object of a request says beside what is read of it: a setting of a tool, a mark on a block. Only the client's own dialect understands it, so
// another one has to say that it could not carry it.
// Does not stop: members deeper than those that are asked about.

import type { Json } from "#src/core/json.ts";
import { holds } from "./answer-losses.ts";
import type { LossList } from "./losses.ts";
import { isObject } from "./schema.ts";

/** Adds the members that say something and are not `known`; `of` is what has them. */
export function loseUnknown(raw: Json, known: ReadonlySet<string>, path: string, of: string, losses: LossList): void {
  if (!isObject(raw)) return;
  for (const key in raw) {
    if (known.has(key) || !holds(raw[key])) continue;
    losses.add(`${path}.${key}`, `${key} of ${of}`, "only the client's dialect understands it");
  }
}
