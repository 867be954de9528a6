// Anthropic Messages request → canonical request. Members this file does not know are kept aside for their own dialect, so that another one
// can say it could not carry them.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, Message, Reasoning, Tool } from "../canonical.ts";
import type { Asked } from "../dialect.ts";
import { type Loss, type LossList, makeLossList } from "../losses.ts";
import { isObject, read } from "../schema.ts";
import { cacheOf, decodeContent } from "./blocks.ts";
import * as schema from "./schema.ts";

const KNOWN = new Set(Object.keys(schema.request.entries));
const KNOWN_OUTPUT = new Set(["effort", "format"]);

function decodeTool(raw: Json, path: string): Tool {
  const tool = read(schema.tool, raw, path);
  const name = tool.name ?? "";
  if (tool.type && tool.type !== "custom") {
    const hosted = tool.type.startsWith("web_search_") ? { hosted: "web_search" as const } : {};
    return { kind: "server", dialect: "anthropic", type: tool.type, name, ...hosted, raw };
  }
  const named = read(schema.namedTool, raw, path);
  return {
    kind: "function",
    name: named.name,
    schema: named.input_schema,
    ...(typeof tool.description === "string" ? { description: tool.description } : {}),
    ...(typeof tool.strict === "boolean" ? { strict: tool.strict } : {}),
    ...cacheOf(tool.cache_control),
  };
}

function decodeReasoning(body: schema.WireRequest): Reasoning | undefined {
  const { thinking, output_config: output } = body;
  const reasoning: Reasoning = {};
  if (thinking?.type === "disabled") reasoning.mode = "off";
  if (thinking?.type === "adaptive" || thinking?.type === "between_tools") reasoning.mode = "adaptive";
  if (thinking?.type === "enabled" && thinking.budget_tokens !== undefined)
    reasoning.budgetTokens = thinking.budget_tokens;
  if (typeof output?.effort === "string") reasoning.effort = output.effort;
  return Object.keys(reasoning).length > 0 ? reasoning : undefined;
}

function decodeChoice(body: schema.WireRequest): Pick<CanonicalRequest, "toolChoice" | "parallelToolCalls"> {
  const choice = body.tool_choice;
  if (!choice) return {};
  const parallel =
    typeof choice.disable_parallel_tool_use === "boolean" ? !choice.disable_parallel_tool_use : undefined;
  return {
    toolChoice:
      choice.type === "tool"
        ? { kind: "tool", name: choice.name }
        : { kind: choice.type === "any" ? "required" : choice.type },
    ...(parallel === undefined ? {} : { parallelToolCalls: parallel }),
  };
}

function unknownMembers(raw: Json, body: schema.WireRequest): Record<string, Json> {
  const extra: Record<string, Json> = {};
  if (isObject(raw))
    for (const [key, value] of Object.entries(raw)) if (!KNOWN.has(key) && value !== null) extra[key] = value;
  for (const [key, value] of Object.entries(body.output_config ?? {})) {
    if (!KNOWN_OUTPUT.has(key)) extra[`output_config.${key}`] = value as Json;
  }
  return extra;
}

function decodeMessage(raw: Json, path: string, losses: LossList): Message {
  const { role, content } = read(schema.message, raw, path);
  return { role, blocks: decodeContent(content, `${path}.content`, losses), path };
}

/** Reads a Messages request. Throws `usage` naming the path, never the value. */
export function decodeRequest(raw: Json, asked: Asked): { request: CanonicalRequest; losses: Loss[] } {
  const body = read(schema.request, raw, "");
  const losses = makeLossList();
  const reasoning = decodeReasoning(body);
  const format = body.output_config?.format;
  const request: CanonicalRequest = {
    dialect: "anthropic",
    model: asked.model,
    system: decodeContent(body.system ?? [], "system", losses),
    messages: body.messages.map((message, index) => decodeMessage(message, `messages[${index}]`, losses)),
    tools: (body.tools ?? []).map((tool, index) => decodeTool(tool, `tools[${index}]`)),
    ...decodeChoice(body),
    ...(body.max_tokens === undefined ? {} : { maxTokens: body.max_tokens }),
    ...(typeof body.temperature === "number" ? { temperature: body.temperature } : {}),
    ...(typeof body.top_p === "number" ? { topP: body.top_p } : {}),
    ...(typeof body.top_k === "number" ? { topK: body.top_k } : {}),
    stopSequences: body.stop_sequences ?? [],
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(format ? { responseFormat: { kind: "json_schema" as const, schema: format.schema } } : {}),
    stream: asked.stream,
    ...(typeof body.metadata?.user_id === "string" ? { userId: body.metadata.user_id } : {}),
    extra: unknownMembers(raw, body),
  };
  return { request, losses: losses.items };
}
