// Canonical tools and the choice among them → Responses tools, shaped by what the backend takes.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, ServerTool, Tool } from "../canonical.ts";
import { customSchema } from "../custom.ts";
import type { LossList } from "../losses.ts";
import type { ToolNames } from "../names.ts";
import type { Quirks } from "../quirks.ts";
import { isObject } from "../schema.ts";
import { stripKeywords } from "../schema-keywords.ts";
import { mayBeStrict } from "../strictness.ts";
import { toolSchema } from "../tool-schema.ts";
import { searchLimits } from "../web-search.ts";

type Body = { [key: string]: Json };

/** The search with the limits that other dialects have too. */
function webSearch(tool: ServerTool, path: string, losses: LossList): Body {
  const { allowed_domains: domains, user_location: near, search_context_size: size, ...rest } = searchLimits(tool);
  for (const key of Object.keys(rest)) {
    losses.add(`${path}.${key}`, `${key} of a web search`, "the backend's search has no such limit");
  }
  return {
    type: "web_search",
    ...(Array.isArray(domains) ? { filters: { allowed_domains: domains } } : {}),
    ...(isObject(near) ? { user_location: near } : {}),
    ...(typeof size === "string" ? { search_context_size: size } : {}),
  };
}

const isHosted = (tool: Tool, quirks: Quirks): tool is ServerTool & { hosted: "web_search" } =>
  tool.kind === "server" && tool.hosted !== undefined && quirks.hosted.includes(tool.hosted);

/** `strict` is said even when it is off: it would be on otherwise. */
function encodeTool(tool: Tool, path: string, names: ToolNames, quirks: Quirks, losses: LossList): Body[] {
  if (isHosted(tool, quirks)) return [webSearch(tool, path, losses)];
  if (tool.kind === "server") {
    losses.add(path, `tool ${tool.type}`, "the backend does not run it");
    return [];
  }
  const head = {
    name: names.out(tool.name, tool.namespace),
    ...(tool.description === undefined ? {} : { description: tool.description }),
  };
  if (tool.kind === "function") {
    const parameters = toolSchema(stripKeywords(tool.schema, quirks.schemaKeywords), true, path, losses);
    const strict = tool.strict === true && mayBeStrict(parameters, path, losses);
    return [{ type: "function", ...head, parameters, strict }];
  }
  if (!quirks.customTools) return [{ type: "function", ...head, parameters: customSchema(tool), strict: false }];
  return [{ type: "custom", ...head, ...(tool.format === undefined ? {} : { format: tool.format }) }];
}

/** The forced tool, or undefined where it cannot be said. */
function forcedTool(request: CanonicalRequest, count: number, names: ToolNames, quirks: Quirks): Json | undefined {
  const choice = request.toolChoice;
  if (choice?.kind !== "tool") return undefined;
  const tool = request.tools.find((each) =>
    each.kind === "server"
      ? each.name === choice.name && isHosted(each, quirks)
      : each.name === choice.name && each.namespace === choice.namespace,
  );
  if (tool === undefined) return undefined;
  // A hosted search cannot be named, but it is meant when there is nothing else.
  if (tool.kind === "server") return count === 1 ? "required" : undefined;
  const type = tool.kind === "custom" && quirks.customTools ? "custom" : "function";
  return { type, name: names.out(tool.name, tool.namespace) };
}

/** `tools`, `tool_choice` and `parallel_tool_calls`. */
export function encodeTools(request: CanonicalRequest, names: ToolNames, quirks: Quirks, losses: LossList): Body {
  const choice = request.toolChoice;
  const tools = request.tools.flatMap((tool, index) => encodeTool(tool, `tools[${index}]`, names, quirks, losses));
  if (tools.length === 0) {
    if (choice?.kind === "tool" || choice?.kind === "required") {
      losses.add("tool_choice", "forced tool", "no tool could be carried");
    }
    return {};
  }
  const body: Body = { tools };
  if (choice?.kind === "tool") {
    const forced = forcedTool(request, tools.length, names, quirks);
    if (forced === undefined) losses.add("tool_choice", "forced tool", "the tool itself could not be carried");
    else body["tool_choice"] = forced;
  } else if (choice !== undefined) body["tool_choice"] = choice.kind;
  if (request.parallelToolCalls === false) {
    if (quirks.parallelToolCalls) body["parallel_tool_calls"] = false;
    else losses.add("tool_choice", "disable_parallel_tool_use", "the backend takes no parallel_tool_calls");
  }
  return body;
}
