// The schema of an answer as Anthropic takes it ("Structured outputs" in its documentation, and as its SDK rewrites one): objects are closed, and
// limits it does not know are told in words. What could not be closed without asking for something else is taken out whole.

import type { Json } from "#src/core/json.ts";
import type { LossList } from "../losses.ts";
import { objectAnswer } from "../object-answer.ts";
import { isObject } from "../schema.ts";
import { entryOf } from "../table.ts";

type Members = { [key: string]: Json };

/** What Anthropic knows a text to be. */
const FORMATS: readonly Json[] = [
  ...["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"],
];
/** They say nothing about an answer. */
const NOTES = ["$schema", "$id", "$anchor", "$comment"];
/** They limit nothing. */
const REMARKS = ["default", "examples", "deprecated", "readOnly", "writeOnly"];
/** Members that say something about one type only. */
const OWNERS: Record<string, string> = {
  ...{ properties: "object", required: "object", additionalProperties: "object", patternProperties: "object" },
  ...{ items: "array", prefixItems: "array", minItems: "array", maxItems: "array", uniqueItems: "array" },
  ...{ format: "string", pattern: "string", minLength: "string", maxLength: "string" },
};
/** Members by which a schema says what there is; one without them only limits what stands beside it. */
const SAYING = ["type", "properties", "items", "$ref", "enum", "const", "anyOf", "oneOf", "allOf"];
const TYPES = ["string", "object", "array", "number", "integer", "boolean", "null"];
const SCALARS: Json[] = ["string", "number", "boolean", "null"].map((type) => ({ type }));

const isScalar = (value: Json) => value === null || typeof value !== "object";
const isLiteral = ({ enum: words, const: word }: Members) =>
  (Array.isArray(words) && words.length > 0 && words.every(isScalar)) || (word !== undefined && isScalar(word));

/** Closed, parts of the schema would keep each other from being fulfilled. */
class Unclosable extends Error {}

const saysWhat = (schema: Json) => isObject(schema) && SAYING.some((key) => key in schema);

/** The alternatives that stand for the schema; undefined where there are none, or all only limit what it says itself. */
function alternatives(left: Members): { key: string; schemas: Json[] } | undefined {
  const key = ["anyOf", "oneOf", "allOf"].find((each) => Array.isArray(left[each]));
  const schemas = key === undefined ? [] : (left[key] as Json[]);
  if (key === undefined || !schemas.some(saysWhat)) return undefined;
  const isBeside = Object.keys(left).some((each) => entryOf(OWNERS, each) !== undefined);
  if (isBeside || !schemas.every(saysWhat) || (key === "allOf" && schemas.length > 1)) throw new Unclosable();
  return { key, schemas };
}

/** Members are taken out of the schema one by one; what is left Anthropic does not know. */
function taker(schema: Members): { left: Members; take(key: string): Json | undefined } {
  const left = { ...schema };
  return {
    left,
    take(key) {
      const value = left[key];
      delete left[key];
      return value;
    },
  };
}

/** One type or several; words that are no types, of which there may be thousands, say nothing. */
function typeOf({ type, properties, items }: Members): string | string[] | undefined {
  const types = TYPES.filter((each) => (Array.isArray(type) ? type.includes(each) : type === each));
  if (types.length > 0) return types.length === 1 ? types[0] : types;
  return isObject(properties) ? "object" : items === undefined ? undefined : "array";
}

/** What is left, in the words of the description. */
function told(left: Members, description: Json | undefined, losses: LossList): Members {
  const entries = Object.entries(left).filter(([key]) => !NOTES.includes(key));
  if (entries.some(([key]) => !REMARKS.includes(key))) {
    losses.add("response format", "limits of the answer's schema", "Anthropic's knows no such limits; they are told");
  }
  const words = entries.map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(", ");
  const lines = [...(typeof description === "string" ? [description] : []), ...(words === "" ? [] : [`{${words}}`])];
  return lines.length === 0 ? {} : { description: lines.join("\n\n") };
}

const loseOpen = (losses: LossList) =>
  losses.add("response format", "open members of the answer", "Anthropic's schemas name every member and its type");

/** The members that a type has of its own. */
function typed(type: string, { left, take }: ReturnType<typeof taker>, losses: LossList): Members {
  if (type === "object") {
    const properties = take("properties");
    const required = take("required");
    const members = isObject(properties) ? properties : {};
    if (Array.isArray(required) && required.some((name) => !Object.hasOwn(members, String(name))))
      throw new Unclosable();
    if ((take("additionalProperties") ?? false) !== false) loseOpen(losses);
    return {
      properties: named(members, losses),
      ...(required === undefined ? {} : { required }),
      additionalProperties: false,
    };
  }
  if (type === "array") {
    const items = take("items");
    const { minItems } = left;
    return {
      ...(items === undefined ? {} : { items: closed(items, losses) }),
      ...(minItems === 0 || minItems === 1 ? { minItems: take("minItems")! } : {}),
    };
  }
  return type === "string" && FORMATS.includes(left["format"] ?? null) ? { format: take("format")! } : {};
}

function named(schemas: Members, losses: LossList): Members {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, closed(schema, losses)]));
}

/** One of several types, each with the members that say something about it alone; the rest stays where it is. */
function eachType(types: Json[], { left, take }: ReturnType<typeof taker>, losses: LossList): Json[] {
  const owned = Object.keys(left).filter((key) => types.includes(entryOf(OWNERS, key) ?? null));
  const own = owned.map((key): [string, Json] => [key, take(key)!]);
  return types.map((type) => {
    const members = own.filter(([key]) => entryOf(OWNERS, key) === type);
    return closed({ ...Object.fromEntries(members), type }, losses);
  });
}

function closed(schema: Json, losses: LossList): Members {
  const from = taker(isObject(schema) ? schema : {});
  const { left, take } = from;
  const out: Members = {};
  for (const key of ["$defs", "definitions"]) {
    const schemas = take(key);
    if (isObject(schemas)) out[key] = named(schemas, losses);
  }
  const reference = take("$ref");
  if (reference !== undefined) return { ...out, $ref: reference };
  const title = take("title");
  const description = take("description");
  if (title !== undefined) out["title"] = title;
  const type = typeOf(left);
  take("type");
  const choice = isLiteral(left) ? undefined : alternatives(left);
  if (isLiteral(left)) {
    for (const key of ["enum", "const"]) if (key in left) out[key] = take(key)!;
  } else if (choice !== undefined) {
    take(choice.key);
    out["anyOf"] = choice.schemas.map((each) => closed(each, losses));
  } else if (Array.isArray(type)) {
    out["anyOf"] = eachType(type, from, losses);
  } else if (type === undefined) {
    loseOpen(losses);
    out["anyOf"] = SCALARS;
  } else Object.assign(out, { type }, typed(type, from, losses));
  return { ...out, ...told(left, description, losses) };
}

/** The schema for Anthropic; undefined where it takes none of the kind, which is a loss. */
export function formatSchema(schema: Json, losses: LossList): Json | undefined {
  const whole = objectAnswer(schema, losses);
  try {
    return whole === undefined ? undefined : closed(whole, losses);
  } catch (error) {
    if (!(error instanceof Unclosable)) throw error;
    losses.add("response format", "response format", "its parts could not be closed as Anthropic wants them");
    return undefined;
  }
}
