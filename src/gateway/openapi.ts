// What a route takes and gives, for the OpenAPI document, out of the same valibot schemas that read it. The swagger plugin understands TypeBox
// only and would copy valibot's own objects into the document, so each route carries finished JSON Schema.

import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";

type Schema = v.GenericSchema;
type Media = { schema: object };

export type Operation = {
  summary: string;
  description?: string;
  tag: "models" | "health";
  /** Told without a token. */
  open?: boolean;
  /** Parameters of the path, with what they mean. */
  parameters?: Record<string, string>;
  body?: Schema;
  /** JSON of the schema, text of the type, or neither. */
  answer: { description: string; schema?: Schema; text?: string };
  /** Server-sent events, when the request asks for them. */
  stream?: string;
  /** What errors look like, and when they come; one of another status looks the same. */
  error?: { schema: Schema; statuses: Record<number, string> };
};

const OTHER = "Any other failure, and any other status a provider refuses with";

/** OpenAPI 3.0 wants a list of required members to name one at least. */
function withoutEmptyLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmptyLists);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, inner]) => name !== "required" || !Array.isArray(inner) || inner.length > 0)
      .map(([name, inner]) => [name, withoutEmptyLists(inner)]),
  );
}

// What only code can check (a custom schema) is any value in the document.
const media = (schema: Schema, typeMode: "input" | "output"): Media => ({
  schema: withoutEmptyLists(toJsonSchema(schema, { target: "openapi-3.0", typeMode, errorMode: "ignore" })) as object,
});

const pathParameters = (parameters: Record<string, string>) =>
  Object.entries(parameters).map(([name, description]) => ({
    name,
    in: "path",
    required: true,
    description,
    schema: { type: "string" },
  }));

/** A route's `detail`, as the plugin takes it. */
export function operation(spec: Operation): object {
  const { schema, text } = spec.answer;
  const content = {
    ...(schema === undefined ? {} : { "application/json": media(schema, "output") }),
    ...(text === undefined ? {} : { [text]: { schema: { type: "string" } } }),
    ...(spec.stream === undefined
      ? {}
      : { "text/event-stream": { schema: { type: "string", description: spec.stream } } }),
  };
  const failure = spec.error && { "application/json": media(spec.error.schema, "output") };
  const errors = Object.entries(spec.error === undefined ? {} : { ...spec.error.statuses, default: OTHER }).map(
    ([status, description]) => [status, { description, content: failure }],
  );
  return {
    summary: spec.summary,
    ...(spec.description === undefined ? {} : { description: spec.description }),
    tags: [spec.tag],
    ...(spec.parameters === undefined ? {} : { parameters: pathParameters(spec.parameters) }),
    ...(spec.open === true ? { security: [] } : {}),
    ...(spec.body === undefined
      ? {}
      : { requestBody: { required: true, content: { "application/json": media(spec.body, "input") } } }),
    responses: {
      200: {
        description: spec.answer.description,
        ...(Object.keys(content).length === 0 ? {} : { content }),
      },
      ...Object.fromEntries(errors),
    },
  };
}
