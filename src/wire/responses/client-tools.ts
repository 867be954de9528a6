// A Responses client's tools and its choice among them → canonical. Namespaces are flattened, each tool keeps the name of its own; what
// OpenAI runs itself is carried by its type, for backends that have the same.

import type { Json } from "#src/core/json.ts";
import type { Tool, ToolChoice } from "../canonical.ts";
import type { LossList } from "../losses.ts";
import { isObject, read } from "../schema.ts";
import { loseUnknown } from "../unknown.ts";
import * as schema from "./client-schema.ts";

const NO_PARAMETERS: Json = { type: "object", properties: {} };

const isSearch = (type: string) => type.startsWith("web_search");

function decodeTool(raw: Json, path: string, losses: LossList, namespace?: string): Tool[] {
  const { type } = read(schema.typed, raw, path);
  const within = namespace === undefined ? {} : { namespace };
  switch (type) {
    case "function": {
      const { name, description, parameters, strict } = read(schema.functionTool, raw, path);
      loseUnknown(raw, schema.known.functionTool, path, "a tool", losses);
      const described = description ? { description } : {};
      const strictly = typeof strict === "boolean" ? { strict } : {};
      return [{ kind: "function", name, ...within, ...described, schema: parameters ?? NO_PARAMETERS, ...strictly }];
    }
    case "custom": {
      const { name, description, format } = read(schema.customTool, raw, path);
      loseUnknown(raw, schema.known.customTool, path, "a tool", losses);
      const described = description ? { description } : {};
      const formed = format === null || format === undefined ? {} : { format };
      return [{ kind: "custom", name, ...within, ...described, ...formed }];
    }
    case "namespace": {
      const { name, description, tools } = read(schema.namespaceTool, raw, path);
      if (description) losses.add(path, "description of a namespace", "its tools are carried one by one");
      return tools.flatMap((tool, index) => decodeTool(tool, `${path}.tools[${index}]`, losses, name));
    }
    default: {
      const given = isObject(raw) && typeof raw["name"] === "string" ? raw["name"] : type;
      const known = isSearch(type) ? { name: "web_search", hosted: "web_search" as const } : { name: given };
      return [{ kind: "server", dialect: "openai-responses", type, ...known, raw }];
    }
  }
}

/** A list of tools. Throws `usage` naming the path. */
export function decodeTools(raws: Json[], path: string, losses: LossList): Tool[] {
  return raws.flatMap((raw, index) => decodeTool(raw, `${path}[${index}]`, losses));
}

/** The tools without those declared again later: a conversation may repeat what it added. */
export function withoutRepeated(tools: Tool[]): Tool[] {
  const known = new Map<string, Tool>();
  for (const tool of tools) {
    const key = tool.kind === "server" ? [tool.type, tool.name] : [tool.namespace ?? null, tool.name, null];
    known.set(JSON.stringify(key), tool);
  }
  return [...known.values()];
}

/** The choice; a tool named without its namespace is looked for among all. */
export function decodeChoice(choice: schema.WireChoice, tools: Tool[], losses: LossList): ToolChoice {
  if (typeof choice === "string") return { kind: choice };
  if ("mode" in choice) {
    losses.add("tool_choice", "allowed tools", "every tool of the request stays allowed");
    return { kind: choice.mode };
  }
  if (!("name" in choice)) return { kind: "tool", name: isSearch(choice.type) ? "web_search" : choice.type };
  const { name } = choice;
  const found = tools.find((tool) => tool.kind !== "server" && tool.name === name);
  const namespace = choice.namespace ?? (found?.kind === "server" ? undefined : found?.namespace);
  return { kind: "tool", name, ...(namespace ? { namespace } : {}) };
}
