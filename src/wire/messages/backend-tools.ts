// Canonical tools and the choice among them → Anthropic's, shaped by what the backend takes. A limit the client put on a tool is never dropped
// without a word.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, ServerTool, Tool } from "../canonical.ts";
import { customSchema } from "../custom.ts";
import type { LossList } from "../losses.ts";
import type { ToolNames } from "../names.ts";
import type { Quirks } from "../quirks.ts";
import { isObject } from "../schema.ts";
import { stripKeywords } from "../schema-keywords.ts";
import { toolSchema } from "../tool-schema.ts";
import { searchLimits } from "../web-search.ts";
import { cacheMember } from "./backend-content.ts";

type Body = { [key: string]: Json };

/** The search with the limits that Anthropic's has too. */
function webSearch(tool: ServerTool, path: string, losses: LossList): Body {
  const { allowed_domains: allowed, blocked_domains: blocked, user_location: near, ...others } = searchLimits(tool);
  for (const key of Object.keys(others)) {
    losses.add(`${path}.${key}`, `${key} of a web search`, "Anthropic's search has no such setting");
  }
  return {
    type: "web_search_20250305",
    name: "web_search",
    ...(Array.isArray(allowed) ? { allowed_domains: allowed } : {}),
    ...(Array.isArray(blocked) ? { blocked_domains: blocked } : {}),
    ...(isObject(near) ? { user_location: { ...near, type: "approximate" } } : {}),
  };
}

/** Tools as Anthropic takes them. */
export function encodeTools(tools: readonly Tool[], names: ToolNames, quirks: Quirks, losses: LossList): Body[] {
  return tools.flatMap((tool, index): Body[] => {
    const path = `tools[${index}]`;
    if (tool.kind === "server") {
      if (tool.hosted === "web_search" && quirks.hosted.includes("web_search")) return [webSearch(tool, path, losses)];
      losses.add(path, `tool ${tool.type}`, "the backend does not run it");
      return [];
    }
    const described = tool.description === undefined ? {} : { description: tool.description };
    const name = names.out(tool.name, tool.namespace);
    if (tool.kind === "custom") return [{ name, ...described, input_schema: customSchema(tool) }];
    if (tool.strict === true) losses.add(path, "strictness of a tool", "Anthropic's takes other schemas");
    const schema = toolSchema(stripKeywords(tool.schema, quirks.schemaKeywords), true, path, losses);
    return [{ name, ...described, input_schema: schema, ...cacheMember(tool.cache) }];
  });
}

/** `tool_choice`, where there is a tool to choose; `thinks`: the model will think. */
export function encodeChoice(
  request: CanonicalRequest,
  tools: Body[],
  thinks: boolean,
  names: ToolNames,
  quirks: Quirks,
  losses: LossList,
): Body {
  const { toolChoice: choice, parallelToolCalls } = request;
  if (tools.length === 0) {
    if (choice?.kind === "tool" || choice?.kind === "required")
      losses.add("tool_choice", "forced tool", "no tool could be carried");
    return {};
  }
  const single = parallelToolCalls === false ? { disable_parallel_tool_use: true } : {};
  if (choice === undefined) return parallelToolCalls === false ? { tool_choice: { type: "auto", ...single } } : {};
  if (choice.kind === "none") return { tool_choice: { type: "none" } };
  if (choice.kind === "auto") return { tool_choice: { type: "auto", ...single } };
  if (thinks || !quirks.forcedTool) {
    const why = thinks ? "Anthropic forces none while it thinks" : "the model takes no forced tool";
    losses.add("tool_choice", "forced tool", why);
    return { tool_choice: { type: "auto", ...single } };
  }
  if (choice.kind === "required") return { tool_choice: { type: "any", ...single } };
  const name = names.out(choice.name, choice.namespace);
  if (tools.some((tool) => tool["name"] === name)) return { tool_choice: { type: "tool", name, ...single } };
  losses.add("tool_choice", "forced tool", "the tool itself could not be carried");
  return parallelToolCalls === false ? { tool_choice: { type: "auto", ...single } } : {};
}
