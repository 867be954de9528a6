// Reads parts of a body through schemas. An error names the path and what belongs there, never what was there.

import * as v from "valibot";
import { BrokeError, type ErrorKind } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { readerOf, UNFIT } from "./reader.ts";

/** Any JSON value; the text it came from has been parsed already. */
export const json = v.custom<Json>(() => true);

/** A JSON object with any members. */
export const jsonObject = v.custom<{ [key: string]: Json }>(isObject);

/** Whether the value is a JSON object. */
export function isObject(value: unknown): value is { [key: string]: Json } {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** The value as the schema sees it; undefined where it does not fit. */
export function fitting<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> | undefined {
  const reader = readerOf(schema);
  if (reader !== undefined) {
    const read = reader(value);
    return read === UNFIT ? undefined : (read as v.InferOutput<Schema>);
  }
  const result = v.safeParse(schema, value, { abortEarly: true });
  return result.success ? result.output : undefined;
}

/** The value as the schema sees it. Throws `usage` (or the given kind) naming the path below `path`. */
export function read<Schema extends v.GenericSchema>(
  schema: Schema,
  value: Json | undefined,
  path: string,
  kind: ErrorKind = "usage",
): v.InferOutput<Schema> {
  const read = readerOf(schema)?.(value) ?? UNFIT;
  if (read !== UNFIT) return read as v.InferOutput<Schema>;
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const below = v.getDotPath(issue);
  const at = below === null ? path : path === "" ? below : `${path}.${below}`;
  const what = at === "" ? "the body" : at;
  if (issue.received === "undefined") throw new BrokeError(kind, `${what} is missing`);
  // The one schema of ours that valibot has no name for is the JSON object above.
  throw new BrokeError(
    kind,
    `${what}: expected ${issue.type === "custom" ? "an object" : (issue.expected ?? "something else")}`,
  );
}
