// The schema of an answer, which OpenAI and Anthropic take as an object's only ("Structured outputs" in the guides of both).

import type { Json } from "#src/core/json.ts";
import type { LossList } from "./losses.ts";
import { isObject } from "./schema.ts";
import { entryOf } from "./table.ts";

type Members = { [key: string]: Json };

const MAX_CHAIN = 16;
const REFERENCE = /^#\/(\$defs|definitions)\/([^/]+)$/;

/** What a schema refers to, where it is a reference into the definitions of the `whole`; these stay with the whole alone. */
export function referred(schema: Members, whole: Members): Members {
  let found = schema;
  for (let step = 0; step < MAX_CHAIN && typeof found["$ref"] === "string"; step++) {
    const [, key = "", name = ""] = REFERENCE.exec(found["$ref"]) ?? [];
    const definitions = whole[key];
    const next = isObject(definitions) ? entryOf(definitions, name) : undefined;
    if (!isObject(next)) return schema;
    found = next;
  }
  if (found === schema || "$ref" in found) return schema;
  const { $ref: _, ...beside } = schema;
  return schema === whole ? { ...beside, ...found } : found;
}

/** The schema as an object's; undefined where it is of something else, which is a loss. */
export function objectAnswer(schema: Json, losses: LossList): Members | undefined {
  const whole = isObject(schema) ? referred(schema, schema) : {};
  const { type, properties } = whole;
  if (type === "object") return whole;
  const mayBe = type === undefined ? isObject(properties) : Array.isArray(type) && type.includes("object");
  if (mayBe) return { ...whole, type: "object" };
  losses.add(
    "response format",
    "response format",
    "the backend's answers are objects, the schema is of something else",
  );
  return undefined;
}
