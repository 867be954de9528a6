// The schema of a tool's arguments as providers want it at its top: an object's that says its members, without alternatives beside them
// ("Function calling" in OpenAI's guides, "Tool use" in Anthropic's). LM Studio and OpenAI refuse an object without `properties`.

import type { Json } from "#src/core/json.ts";
import type { LossList } from "./losses.ts";
import { isObject } from "./schema.ts";

type Members = { [key: string]: Json };

const ALTERNATIVES = ["oneOf", "anyOf", "allOf"];

const propertiesOf = (schema: Json): Members =>
  isObject(schema) && isObject(schema["properties"]) ? schema["properties"] : {};

/** The same schema where it is as it should be; members of alternatives become members of the whole, which is a loss. */
export function toolSchema(schema: Json, path: string, losses: LossList): Json {
  if (!isObject(schema)) return schema;
  const choices = ALTERNATIVES.filter((key) => key in schema);
  if (choices.length === 0) {
    if (schema["type"] === "object" && isObject(schema["properties"])) return schema;
    return { ...schema, type: "object", properties: propertiesOf(schema) };
  }
  losses.add(path, "alternatives of a tool's schema", "the backend takes none at its top");
  const branches = choices.flatMap((key) => schema[key] ?? []);
  const properties = Object.assign({}, ...branches.map(propertiesOf), propertiesOf(schema)) as Members;
  const rest = Object.entries(schema).filter(([key]) => !ALTERNATIVES.includes(key));
  return { ...Object.fromEntries(rest), type: "object", properties };
}
