// The limits a client put on a web search, whichever dialect it was asked in.

import type { Json } from "#src/core/json.ts";
import type { ServerTool } from "./canonical.ts";
import { isObject } from "./schema.ts";

/** Members that say nothing about what is searched. */
const PLAIN = new Set(["type", "name", "cache_control"]);

const saysNothing = (value: Json) => value === null || (Array.isArray(value) && value.length === 0);

/** Every limit by its name; Responses has some one level deeper, as Chat has all of a place. */
export function searchLimits({ raw }: ServerTool): { [key: string]: Json } {
  const { filters, user_location: place, ...rest } = isObject(raw) ? raw : {};
  const near =
    isObject(place) && isObject(place["approximate"]) ? { type: "approximate", ...place["approximate"] } : place;
  const all = {
    ...rest,
    ...(isObject(filters) ? filters : {}),
    ...(near === undefined ? {} : { user_location: near }),
  };
  return Object.fromEntries(Object.entries(all).filter(([key, value]) => !PLAIN.has(key) && !saysNothing(value)));
}
