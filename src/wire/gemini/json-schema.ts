// Google's own schema language (a subset of OpenAPI 3.0: `Schema` in its API reference) → JSON Schema: types in capitals, counts as text,
// `nullable`, snake_case.

import type { Json } from "#src/core/json.ts";
import { isObject } from "../schema.ts";
import { camelKeys } from "./client-schema.ts";

type Members = { [key: string]: Json };

const COUNTS = new Set(["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"]);
const LISTS = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
const NAMED = new Set(["properties", "defs", "$defs"]);

function countOf(value: Json): Json {
  return typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
}

function named(schemas: Members): Members {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, jsonSchema(schema)]));
}

/** Elsewhere a schema's members are written in the order they stand in. */
function ordered(members: Members): Members {
  const { propertyOrdering: order, properties } = members;
  if (!Array.isArray(order) || !isObject(properties)) return members;
  const known = order.filter((name) => typeof name === "string" && Object.hasOwn(properties, name)) as string[];
  const first = Object.fromEntries(known.map((name) => [name, properties[name]!]));
  return { ...members, properties: { ...first, ...properties } };
}

/** One member under its JSON Schema name; undefined when JSON Schema has none. */
function memberOf(key: string, value: Json): [string, Json] | undefined {
  if (COUNTS.has(key)) return [key, countOf(value)];
  if (LISTS.has(key) && Array.isArray(value)) return [key, value.map(jsonSchema)];
  if (NAMED.has(key) && isObject(value)) return [key === "defs" ? "$defs" : key, named(value)];
  switch (key) {
    case "type":
      if (typeof value !== "string") return [key, value];
      return value === "TYPE_UNSPECIFIED" ? undefined : [key, value.toLowerCase()];
    case "items":
    case "additionalProperties":
      return [key, jsonSchema(value)];
    case "ref":
      return ["$ref", value];
    case "example":
      return ["examples", [value]];
    case "format":
      return value === "enum" ? undefined : [key, value];
    case "nullable":
    case "propertyOrdering":
      return undefined;
    default:
      return [key, value];
  }
}

/** The same schema where null may stand too. */
function orNull(schema: Members): Members {
  const { type, anyOf, enum: words } = schema;
  return {
    ...schema,
    ...(typeof type === "string" ? { type: [type, "null"] } : {}),
    ...(Array.isArray(words) ? { enum: [...words, null] } : {}),
    ...(type === undefined && Array.isArray(anyOf) ? { anyOf: [...anyOf, { type: "null" }] } : {}),
  };
}

/** Google writes an enum's words as text whatever their type is. */
function numbers({ type, enum: words }: Members): Members {
  if ((type !== "integer" && type !== "number") || !Array.isArray(words)) return {};
  const isNumber = (word: Json) => typeof word === "string" && word.trim() !== "" && Number.isFinite(Number(word));
  return { enum: words.map((word) => (isNumber(word) ? Number(word) : word)) };
}

/** The schema in JSON Schema's words, at any depth; what is none (`true`) stays. */
export function jsonSchema(schema: Json): Json {
  if (!isObject(schema)) return schema;
  const members = ordered(camelKeys(schema));
  const named = Object.entries(members).flatMap(([key, value]) => [memberOf(key, value) ?? []]);
  const all = Object.fromEntries(named) as Members;
  const out = { ...all, ...numbers(all) };
  return members["nullable"] === true ? orNull(out) : out;
}
