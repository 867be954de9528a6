// Anthropic Messages request → canonical request. Members this file does not know are kept aside for their own dialect, so that another one
// can say it could not carry them.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, Message, Reasoning, Tool } from "../canonical.ts";
import type { Asked } from "../dialect.ts";
import { type Loss, type LossList, makeLossList } from "../losses.ts";
import { isObject, read } from "../schema.ts";
import { loseUnknown } from "../unknown.ts";
import { cacheOf, decodeContent } from "./blocks.ts";
import * as schema from "./schema.ts";

const KNOWN = new Set(Object.keys(schema.request.entries));
/** How pieces of a call come says nothing about what is called. */
const KNOWN_OF_TOOLS = new Set([
  ...[schema.tool, schema.namedTool].flatMap(({ entries }) => Object.keys(entries)),
  "eager_input_streaming",
]);
const KNOWN_OF_MESSAGES = new Set(Object.keys(schema.message.entries));
const KNOWN_OUTPUT = new Set(["effort", "format"]);

function decodeTool(raw: Json, path: string, losses: LossList): Tool {
  const tool = read(schema.tool, raw, path);
  const name = tool.name ?? "";
  if (tool.type && tool.type !== "custom") {
    const hosted = tool.type.startsWith("web_search_") ? { hosted: "web_search" as const } : {};
    return { kind: "server", dialect: "anthropic", type: tool.type, name, ...hosted, raw };
  }
  const named = read(schema.namedTool, raw, path);
  loseUnknown(raw, KNOWN_OF_TOOLS, path, "a tool", losses);
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
  if (thinking?.display === "omitted") reasoning.show = false;
  if (thinking?.display === "summarized") reasoning.show = true;
  if (typeof output?.effort === "string") reasoning.effort = output.effort;
  return Object.keys(reasoning).length > 0 ? reasoning : undefined;
}

function addChoice(request: CanonicalRequest, { tool_choice: choice }: schema.WireRequest): void {
  if (!choice) return;
  request.toolChoice =
    choice.type === "tool"
      ? { kind: "tool", name: choice.name }
      : { kind: choice.type === "any" ? "required" : choice.type };
  if (typeof choice.disable_parallel_tool_use === "boolean")
    request.parallelToolCalls = !choice.disable_parallel_tool_use;
}

function unknownMembers(raw: Json, body: schema.WireRequest): Record<string, Json> {
  const extra: Record<string, Json> = {};
  if (isObject(raw))
    for (const key of Object.keys(raw)) if (!KNOWN.has(key) && raw[key] !== null) extra[key] = raw[key]!;
  if (!body.output_config) return extra;
  for (const [key, value] of Object.entries(body.output_config)) {
    if (!KNOWN_OUTPUT.has(key)) extra[`output_config.${key}`] = value as Json;
  }
  return extra;
}

function decodeMessage(raw: Json, path: string, losses: LossList): Message {
  const { role, content } = read(schema.message, raw, path);
  loseUnknown(raw, KNOWN_OF_MESSAGES, path, "a message", losses);
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
    tools: (body.tools ?? []).map((tool, index) => decodeTool(tool, `tools[${index}]`, losses)),
    stopSequences: body.stop_sequences ?? [],
    stream: asked.stream,
    extra: unknownMembers(raw, body),
  };
  addChoice(request, body);
  if (body.max_tokens !== undefined) request.maxTokens = body.max_tokens;
  if (typeof body.temperature === "number") request.temperature = body.temperature;
  if (typeof body.top_p === "number") request.topP = body.top_p;
  if (typeof body.top_k === "number") request.topK = body.top_k;
  if (reasoning !== undefined) request.reasoning = reasoning;
  if (format) request.responseFormat = { kind: "json_schema", schema: format.schema };
  if (typeof body.metadata?.user_id === "string") request.userId = body.metadata.user_id;
  return { request, losses: losses.items };
}
