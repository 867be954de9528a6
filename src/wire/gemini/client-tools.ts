// A Gemini client's tools and its choice among them → canonical. One tool object may declare functions and ask for what Google runs itself; the
// latter is carried by its name, for backends that have the same.

import type { Json } from "#src/core/json.ts";
import type { FunctionTool, ServerTool, Tool, ToolChoice } from "../canonical.ts";
import type { LossList } from "../losses.ts";
import { read } from "../schema.ts";
import { loseUnknown } from "../unknown.ts";
import * as schema from "./client-schema.ts";
import { jsonSchema } from "./json-schema.ts";

const NO_PARAMETERS: Json = { type: "object", properties: {} };
const SEARCHES = new Set(["googleSearch", "googleSearchRetrieval"]);

function decodeFunction(raw: Json, path: string, losses: LossList): FunctionTool {
  const { name, description, parameters, parametersJsonSchema, ...rest } = read(schema.declaration, raw, path);
  loseUnknown(read(schema.object, raw, path), schema.known.declaration, path, "a tool", losses);
  if (rest.response ?? rest.responseJsonSchema) {
    losses.add(path, "schema of a tool's result", "other dialects have none");
  }
  const given = parametersJsonSchema ?? (parameters ? jsonSchema(parameters) : NO_PARAMETERS);
  return { kind: "function", name, ...(description ? { description } : {}), schema: given };
}

function serverTool(type: string, raw: Json): ServerTool {
  const known = SEARCHES.has(type) ? { name: "web_search", hosted: "web_search" as const } : { name: type };
  return { kind: "server", dialect: "gemini", type, ...known, raw };
}

/** The tools. Throws `usage` naming the path. */
export function decodeTools(raws: readonly Json[], losses: LossList): Tool[] {
  return raws.flatMap((raw, index): Tool[] => {
    const path = `tools[${index}]`;
    const { functionDeclarations, ...others } = read(schema.object, raw, path);
    const at = `${path}.functionDeclarations`;
    const functions = read(schema.declarations, functionDeclarations, at) ?? [];
    return [
      ...functions.map((each, place) => decodeFunction(each, `${at}[${place}]`, losses)),
      ...Object.entries(others).flatMap(([type, value]) => (value === null ? [] : [serverTool(type, value)])),
    ];
  });
}

/** The choice; undefined when the client left it to the model without saying so. */
export function decodeChoice(
  config: schema.WireToolConfig | null | undefined,
  losses: LossList,
): ToolChoice | undefined {
  const { mode, allowedFunctionNames: allowed } = config?.functionCallingConfig ?? {};
  const path = "toolConfig.functionCallingConfig";
  const some = () => losses.add(path, "allowed tools", "every tool of the request stays allowed");
  switch (mode?.toUpperCase()) {
    case "NONE":
      return { kind: "none" };
    case "ANY":
      if (allowed?.length === 1) return { kind: "tool", name: allowed[0]! };
      if (allowed?.length) some();
      return { kind: "required" };
    case "AUTO":
    case "VALIDATED":
      if (allowed?.length) some();
      return { kind: "auto" };
    case undefined:
    case "MODE_UNSPECIFIED":
      return undefined;
    default:
      losses.add(path, "mode of the tools' choice", "nobody knows it");
      return undefined;
  }
}
