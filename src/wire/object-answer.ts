// The schema of an answer, which OpenAI and Anthropic take as an object's only ("Structured outputs" in the guides of both).

import type { Json } from "#src/core/json.ts";
import type { LossList } from "./losses.ts";
import { isObject } from "./schema.ts";
import { entryOf } from "./table.ts";

type Members = { [key: string]: Json };

const REFERENCE = /^#\/(\$defs|definitions)\/([^/]+)$/;

/** What the whole refers to, where it is nothing but a reference into its own definitions. */
function referred(schema: Members): Members {
  const { $ref: reference } = schema;
  const [, key = "", name = ""] = (typeof reference === "string" && REFERENCE.exec(reference)) || [];
  const definitions = schema[key];
  const found = isObject(definitions) ? entryOf(definitions, name) : undefined;
  return isObject(found) ? { ...found, [key]: definitions! } : schema;
}

/** The schema as an object's; undefined where it is of something else, which is a loss. */
export function objectAnswer(schema: Json, losses: LossList): Members | undefined {
  const whole = isObject(schema) ? referred(schema) : {};
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
