// The schema of a tool's arguments as providers want it at its top: an object's that says its members, and with OpenAI and Anthropic without alternatives
// beside them ("Function calling" in OpenAI's guides, "Tool use" in Anthropic's). LM Studio and OpenAI refuse an object without `properties`.

import type { Json } from "#src/core/json.ts";
import type { LossList } from "./losses.ts";
import { referred } from "./object-answer.ts";
import { isObject } from "./schema.ts";

type Members = { [key: string]: Json };

const CHOICES = ["oneOf", "anyOf"];
/** What neither of them takes at the top. */
const REFUSED = [...CHOICES, "allOf", "not", "enum"];

const propertiesOf = ({ properties }: Members): Members => (isObject(properties) ? properties : {});
const requiredOf = ({ required }: Members): Json[] => (Array.isArray(required) ? required : []);

/** The members of all of these; one that they describe in different ways is any of that. */
function members(schemas: readonly Members[]): Members {
  const found = new Map<string, Map<string, Json>>();
  for (const schema of schemas) {
    for (const [name, member] of Object.entries(propertiesOf(schema))) {
      const told = found.get(name) ?? new Map<string, Json>();
      found.set(name, told.set(JSON.stringify(member), member));
    }
  }
  return Object.fromEntries(
    [...found].map(([name, told]) => [name, told.size === 1 ? [...told.values()][0]! : { anyOf: [...told.values()] }]),
  );
}

/** The same schema where it is as it should be; members of alternatives become members of the whole, which is a loss. `plain`: whether it must have none. */
export function toolSchema(given: Json, plain: boolean, path: string, losses: LossList): Json {
  if (!isObject(given)) return given;
  const schema = referred(given, given);
  if (!plain || !REFUSED.some((key) => key in schema)) {
    const isWhole = schema["type"] === "object" && isObject(schema["properties"]);
    return isWhole ? schema : { ...schema, type: "object", properties: propertiesOf(schema) };
  }
  losses.add(path, "alternatives of a tool's schema", "the backend takes none at its top");
  // Each once: many may refer to the same.
  const parts = (key: string): Members[] => {
    const all = schema[key];
    const schemas = Array.isArray(all) ? all.map((one) => (isObject(one) ? referred(one, schema) : {})) : [];
    return [...new Set(schemas)];
  };
  const always = [schema, ...parts("allOf")];
  const choices = CHOICES.map(parts).filter(({ length }) => length > 0);
  const common = choices.flatMap(([first, ...rest]) =>
    requiredOf(first!).filter((name) => rest.every((other) => requiredOf(other).includes(name))),
  );
  const properties = members([...always, ...choices.flat()]);
  const required = [...new Set([...always.flatMap(requiredOf), ...common])].filter(
    (name) => typeof name === "string" && Object.hasOwn(properties, name),
  );
  const rest = Object.entries(schema).filter(([key]) => !REFUSED.includes(key) && key !== "required");
  return {
    ...Object.fromEntries(rest),
    ...{ type: "object", properties },
    ...(required.length === 0 ? {} : { required }),
  };
}
