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
import { cacheMember } from "./backend-content.ts";

type Body = { [key: string]: Json };

/** Members of a search that say nothing about what is searched. */
const PLAIN = new Set(["type", "name"]);
/** Anthropic refuses these at the top of a tool's schema. */
const ALTERNATIVES = ["oneOf", "anyOf", "allOf"];

function objectSchema(schema: Json, path: string, losses: LossList): Json {
  if (!isObject(schema)) return schema;
  const kept = Object.entries(schema).filter(([key]) => !ALTERNATIVES.includes(key));
  if (kept.length < Object.keys(schema).length) {
    losses.add(path, "alternatives of a tool's schema", "Anthropic takes none at its top");
  }
  return { type: "object", ...Object.fromEntries(kept) };
}

/** The search with the limits that OpenAI's dialects put on it; Chat puts a place one level deeper, Responses its filters. */
function webSearch({ raw }: ServerTool, path: string, losses: LossList): Body {
  const { filters, user_location: place, ...rest } = isObject(raw) ? raw : {};
  const {
    allowed_domains: allowed,
    blocked_domains: blocked,
    ...others
  } = {
    ...rest,
    ...(isObject(filters) ? filters : {}),
  } as Body;
  for (const [key, value] of Object.entries(others)) {
    if (PLAIN.has(key) || value === null) continue;
    losses.add(`${path}.${key}`, `${key} of a web search`, "Anthropic's search has no such setting");
  }
  const near = isObject(place) && isObject(place["approximate"]) ? place["approximate"] : place;
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
    const schema = objectSchema(stripKeywords(tool.schema, quirks.schemaKeywords), path, losses);
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
