// Canonical request → Anthropic Messages request, for clients of another dialect. What Anthropic would refuse is left out and written down as a
// loss; nothing is invented but the limit it demands.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, Tool } from "../canonical.ts";
import { customSchema } from "../custom.ts";
import type { Target } from "../dialect.ts";
import { type Loss, type LossList, makeLossList } from "../losses.ts";
import { makeToolNames, type ToolNames } from "../names.ts";
import { defaultQuirks, type Quirks } from "../quirks.ts";
import { isObject } from "../schema.ts";
import { stripKeywords } from "../schema-keywords.ts";
import { cacheMember, contentMembers } from "./backend-content.ts";
import { encodeMessages, hasUnthoughtCalls } from "./backend-conversation.ts";
import { encodeReasoning } from "./backend-reasoning.ts";

type Body = { [key: string]: Json };

function objectSchema(schema: Json): Json {
  return isObject(schema) && schema["type"] === undefined ? { type: "object", ...schema } : schema;
}

function encodeTools(tools: readonly Tool[], names: ToolNames, quirks: Quirks, losses: LossList): Body[] {
  return tools.flatMap((tool, index): Body[] => {
    if (tool.kind === "server") {
      if (tool.hosted === "web_search" && quirks.hosted.includes("web_search")) {
        return [{ type: "web_search_20250305", name: "web_search" }];
      }
      losses.add(`tools[${index}]`, `tool ${tool.type}`, "the backend does not run it");
      return [];
    }
    const described = tool.description === undefined ? {} : { description: tool.description };
    const name = names.out(tool.name, tool.namespace);
    if (tool.kind === "custom") return [{ name, ...described, input_schema: customSchema(tool) }];
    const schema = objectSchema(stripKeywords(tool.schema, quirks.schemaKeywords));
    return [{ name, ...described, input_schema: schema, ...cacheMember(tool.cache) }];
  });
}

function encodeChoice(
  request: CanonicalRequest,
  tools: Body[],
  thinks: boolean,
  names: ToolNames,
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
  if (thinks) {
    losses.add("tool_choice", "forced tool", "Anthropic forces none while it thinks");
    return { tool_choice: { type: "auto", ...single } };
  }
  if (choice.kind === "required") return { tool_choice: { type: "any", ...single } };
  const name = names.out(choice.name, choice.namespace);
  if (tools.some((tool) => tool["name"] === name)) return { tool_choice: { type: "tool", name, ...single } };
  losses.add("tool_choice", "forced tool", "the tool itself could not be carried");
  return {};
}

function encodeSampling(request: CanonicalRequest, thinks: boolean, losses: LossList): Body {
  const body: Body = {};
  const { temperature, topP, topK } = request;
  const lose = (what: string, why: string) => losses.add(what, what, why);
  if (thinks) {
    if (temperature !== undefined && temperature !== 1) lose("temperature", "Anthropic takes none while it thinks");
    if (topP !== undefined && topP !== 1) lose("top_p", "Anthropic takes none while it thinks");
    if (topK !== undefined) lose("top_k", "Anthropic takes none while it thinks");
  } else {
    if (temperature !== undefined) body["temperature"] = Math.min(temperature, 1);
    if (temperature !== undefined && temperature > 1) lose("temperature", "Anthropic's ends at 1");
    if (topP !== undefined && temperature === undefined) body["top_p"] = topP;
    if (topP !== undefined && temperature !== undefined && topP !== 1)
      lose("top_p", "Anthropic takes it or a temperature");
    if (topK !== undefined) body["top_k"] = topK;
  }
  if (request.seed !== undefined) lose("seed", "Anthropic has no such setting");
  if (request.presencePenalty) lose("presence_penalty", "Anthropic has no such setting");
  if (request.frequencyPenalty) lose("frequency_penalty", "Anthropic has no such setting");
  if (request.verbosity !== undefined) lose("verbosity", "Anthropic has no such setting");
  const stops = request.stopSequences.filter((sequence) => sequence.trim() !== "");
  if (stops.length < request.stopSequences.length) lose("stop sequences", "Anthropic refuses blank ones");
  if (stops.length > 0) body["stop_sequences"] = stops;
  return body;
}

/** `output_config` has two makers. */
function withFormat(request: CanonicalRequest, members: Body, losses: LossList): Body {
  const format = request.responseFormat;
  if (format === undefined) return members;
  if (format.kind === "json_object") {
    losses.add("response format", "response format", "Anthropic wants a schema for it");
    return members;
  }
  const given = isObject(members["output_config"]) ? members["output_config"] : {};
  return { ...members, output_config: { ...given, format: { type: "json_schema", schema: format.schema } } };
}

/** The body for a backend, what it could not carry, and the tool names as the backend knows them. */
export function encodeRequest(
  request: CanonicalRequest,
  target: Target,
): { body: Json; losses: Loss[]; names: ToolNames } {
  const quirks: Quirks = { ...defaultQuirks, ...target.quirks };
  const losses = makeLossList();
  const names = makeToolNames(request.tools, quirks.maxToolNameLength);
  const tools = encodeTools(request.tools, names, quirks, losses);
  const messages = encodeMessages(request, { scope: target.scope, names, losses });
  const maxTokens = request.maxTokens ?? quirks.defaultMaxTokens;
  const system = contentMembers(request.system, "system", losses).filter((member) => member["type"] === "text");
  const { members, thinks } = encodeReasoning(request, maxTokens, hasUnthoughtCalls(messages), quirks, losses);
  const body: Body = {
    model: target.model,
    max_tokens: maxTokens,
    ...(system.length === 0 ? {} : { system }),
    messages,
    ...(tools.length === 0 ? {} : { tools }),
    ...encodeChoice(request, tools, thinks, names, losses),
    ...encodeSampling(request, thinks, losses),
    ...withFormat(request, members, losses),
    ...(request.userId === undefined ? {} : { metadata: { user_id: request.userId } }),
    ...(target.stream ? { stream: true } : {}),
  };
  for (const name of Object.keys(request.extra)) losses.add(name, name, `only ${request.dialect} understands it`);
  for (const name of quirks.unsupported) {
    if (!(name in body)) continue;
    delete body[name];
    losses.add(name, name, "the backend does not take it");
  }
  return { body, losses: losses.items, names };
}
