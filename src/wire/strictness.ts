// Whether a schema may be sent as strict. OpenAI refuses `strict` unless every object closes itself and requires all it has ("Structured outputs" in its
// guides); other dialects' strict modes take more.

import type { Json } from "#src/core/json.ts";
import type { LossList } from "./losses.ts";
import { isObject } from "./schema.ts";
import { schemasIn } from "./schema-keywords.ts";

/** Whether it tells of objects; one that says nothing of its members tells of open ones. */
function isOfObjects({ type, properties }: { [key: string]: Json }): boolean {
  return type === "object" || (Array.isArray(type) && type.includes("object")) || isObject(properties);
}

function isClosed({ properties, required, additionalProperties }: { [key: string]: Json }): boolean {
  const names = Array.isArray(required) ? required : [];
  const members = isObject(properties) ? Object.keys(properties) : [];
  return additionalProperties === false && members.every((name) => names.includes(name));
}

/** Whether OpenAI's strict mode takes the schema, at any depth. */
function takesStrict(schema: Json): boolean {
  if (!isObject(schema)) return true;
  return (!isOfObjects(schema) || isClosed(schema)) && schemasIn(schema).every(takesStrict);
}

/** Whether `strict` may be said of a schema where it is wanted; that it may not is a loss. */
export function mayBeStrict(schema: Json, path: string, losses: LossList): boolean {
  const may = takesStrict(schema);
  if (!may) losses.add(path, "strictness", "the schema leaves members open, which OpenAI's strict mode refuses");
  return may;
}
