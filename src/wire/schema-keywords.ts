// Where schemas stand inside a JSON Schema, and a tool's schema without the keywords a backend refuses: a property that is called like a keyword stays.

import type { Json } from "#src/core/json.ts";
import { isObject } from "./schema.ts";

/** Members whose value is one schema, or a list of them. */
const SCHEMAS = new Set([
  "items",
  "additionalProperties",
  "unevaluatedProperties",
  "unevaluatedItems",
  "additionalItems",
  "contains",
  "propertyNames",
  "not",
  "if",
  "then",
  "else",
  "prefixItems",
  "anyOf",
  "oneOf",
  "allOf",
]);
/** Members whose value has a schema under each name. */
const NAMED = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"]);

/** The schema without these keywords, at any depth; the same object when there is nothing to take out. */
export function stripKeywords(schema: Json, keywords: readonly string[]): Json {
  if (keywords.length === 0) return schema;
  if (Array.isArray(schema)) return schema.map((item) => stripKeywords(item, keywords));
  if (!isObject(schema)) return schema;
  const out: { [key: string]: Json } = {};
  for (const [key, value] of Object.entries(schema)) {
    if (keywords.includes(key)) continue;
    if (SCHEMAS.has(key)) out[key] = stripKeywords(value, keywords);
    else if (NAMED.has(key) && isObject(value)) {
      out[key] = Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [name, stripKeywords(inner, keywords)]),
      );
    } else out[key] = value;
  }
  return out;
}

/** The schemas right inside this one. */
export function schemasIn(schema: { [key: string]: Json }): Json[] {
  return Object.entries(schema).flatMap(([key, value]): Json[] => {
    if (SCHEMAS.has(key)) return Array.isArray(value) ? value : [value];
    return NAMED.has(key) && isObject(value) ? Object.values(value) : [];
  });
}
