// Whether a schema may be sent as strict. OpenAI refuses `strict` unless every object closes itself and requires all it has.

import type { Json } from "#src/core/json.ts";
import { isObject } from "./schema.ts";

/** Whether OpenAI's strict mode takes the schema, at any depth. */
export function takesStrict(schema: Json): boolean {
  if (Array.isArray(schema)) return schema.every(takesStrict);
  if (!isObject(schema)) return true;
  const { properties, required, additionalProperties } = schema;
  if (isObject(properties)) {
    const names = Array.isArray(required) ? required : [];
    if (additionalProperties !== false || !Object.keys(properties).every((name) => names.includes(name))) return false;
  }
  return Object.values(schema).every(takesStrict);
}
