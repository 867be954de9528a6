// Canonical request → Chat Completions request (OpenAI's API reference), shaped by the backend's quirks. What the backend would refuse is left
// out and written down as a loss; nothing is invented.

import { createHash } from "node:crypto";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, Reasoning, ResponseFormat, Tool } from "../canonical.ts";
import { customSchema } from "../custom.ts";
import type { Target } from "../dialect.ts";
import { effortWord } from "../effort.ts";
import { type Loss, type LossList, makeLossList } from "../losses.ts";
import { makeToolNames, type ToolNames } from "../names.ts";
import { objectAnswer } from "../object-answer.ts";
import { type Quirks, quirksOf } from "../quirks.ts";
import { isObject } from "../schema.ts";
import { stripKeywords } from "../schema-keywords.ts";
import { mayBeStrict } from "../strictness.ts";
import { toolSchema } from "../tool-schema.ts";
import { withoutUnsupported } from "../unsupported.ts";
import { encodeMessages } from "./conversation.ts";

const MAX_STOPS = 4;
const MAX_USER_LENGTH = 64;

type Body = { [key: string]: Json };

/** A grammar in Chat's form, which is one level deeper than the canonical one. */
function deep(format: Json): Json {
  if (!isObject(format) || format["type"] !== "grammar") return format;
  const { type, ...grammar } = format;
  return { type, grammar };
}

function encodeTools(tools: Tool[], names: ToolNames, quirks: Quirks, losses: LossList): Json[] {
  return tools.flatMap((tool, index): Json[] => {
    if (tool.kind === "server") {
      losses.add(`tools[${index}]`, `tool ${tool.type}`, "Chat has functions only");
      return [];
    }
    const head = {
      name: names.out(tool.name, tool.namespace),
      ...(tool.description === undefined ? {} : { description: tool.description }),
    };
    if (tool.kind === "custom") {
      if (!quirks.customTools) return [{ type: "function", function: { ...head, parameters: customSchema(tool) } }];
      return [
        { type: "custom", custom: { ...head, ...(tool.format === undefined ? {} : { format: deep(tool.format) }) } },
      ];
    }
    const path = `tools[${index}]`;
    const parameters = toolSchema(
      stripKeywords(tool.schema, quirks.schemaKeywords),
      quirks.objectSchemas,
      path,
      losses,
    );
    const strict = tool.strict === true ? mayBeStrict(parameters, path, losses) : tool.strict;
    return [{ type: "function", function: { ...head, parameters, ...(strict === undefined ? {} : { strict }) } }];
  });
}

type Shaping = { names: ToolNames; quirks: Quirks; losses: LossList };

function addChoice(body: Body, request: CanonicalRequest, { names, quirks, losses }: Shaping): void {
  const choice = request.toolChoice;
  const functions = request.tools.filter((tool) => tool.kind !== "server");
  if (functions.length === 0) {
    if (choice?.kind === "tool" || choice?.kind === "required")
      losses.add("tool_choice", "forced tool", "no tool could be carried");
    return;
  }
  if (choice?.kind === "tool") {
    const tool = functions.find(({ name, namespace }) => name === choice.name && namespace === choice.namespace);
    if (tool !== undefined) {
      const name = names.out(tool.name, tool.namespace);
      body["tool_choice"] =
        tool.kind === "custom" && quirks.customTools
          ? { type: "custom", custom: { name } }
          : { type: "function", function: { name } };
    } else losses.add("tool_choice", "forced tool", "the tool itself could not be carried");
  } else if (choice !== undefined) body["tool_choice"] = choice.kind;
  if (request.parallelToolCalls === false) {
    if (quirks.parallelToolCalls) body["parallel_tool_calls"] = false;
    else losses.add("tool_choice", "disable_parallel_tool_use", "the backend takes no parallel_tool_calls");
  }
}

function addReasoning(body: Body, reasoning: Reasoning | undefined, quirks: Quirks, losses: LossList): void {
  if (reasoning === undefined) return;
  if (!quirks.reasoningEffort) {
    // A model that cannot be asked to think is not asked to stop either.
    if (reasoning.mode !== "off") losses.add("reasoning", "reasoning", "the backend takes no effort");
    return;
  }
  const word = effortWord(reasoning, quirks, losses);
  if (word !== undefined) body["reasoning_effort"] = word;
}

function addFormat(body: Body, format: ResponseFormat | undefined, quirks: Quirks, losses: LossList): void {
  if (format === undefined) return;
  if (format.kind === "json_object") return void (body["response_format"] = { type: "json_object" });
  const schema = quirks.objectSchemas ? objectAnswer(format.schema, losses) : format.schema;
  if (schema === undefined) return;
  const strict = format.strict !== false && mayBeStrict(schema, "response format", losses);
  const named = { name: format.name ?? "answer", schema };
  body["response_format"] = { type: "json_schema", json_schema: { ...named, ...(strict ? { strict } : {}) } };
}

function addLimits(body: Body, request: CanonicalRequest, quirks: Quirks, losses: LossList): void {
  const { userId, stopSequences: stops } = request;
  // Anthropic's clients ask for none to fill a cache.
  if (request.maxTokens !== undefined) body[quirks.maxTokensField] = Math.max(1, request.maxTokens);
  if (request.maxTokens === 0) losses.add("max_tokens", "max_tokens", "Chat takes 1 at least");
  if (request.temperature !== undefined) body["temperature"] = request.temperature;
  if (request.topP !== undefined) body["top_p"] = request.topP;
  if (request.seed !== undefined) body["seed"] = request.seed;
  if (request.presencePenalty !== undefined) body["presence_penalty"] = request.presencePenalty;
  if (request.frequencyPenalty !== undefined) body["frequency_penalty"] = request.frequencyPenalty;
  if (request.verbosity !== undefined && quirks.verbosity) body["verbosity"] = request.verbosity;
  if (request.verbosity !== undefined && !quirks.verbosity) {
    losses.add("verbosity", "verbosity", "the backend takes none");
  }
  // Only where the prompt is cached depends on it, not what is answered.
  if (request.cacheKey !== undefined && quirks.cacheKey) body["prompt_cache_key"] = request.cacheKey;
  if (request.topK !== undefined) losses.add("top_k", "top_k", "Chat has no such setting");
  if (stops.length > 0) body["stop"] = stops.slice(0, MAX_STOPS);
  if (stops.length > MAX_STOPS) losses.add("stop_sequences", "stop sequences", `Chat takes ${MAX_STOPS}`);
  if (userId !== undefined) {
    body["user"] = userId.length > MAX_USER_LENGTH ? createHash("sha256").update(userId).digest("hex") : userId;
  }
}

/** The body for a backend, what it could not carry, and the tool names as the backend knows them. */
export function encodeRequest(
  request: CanonicalRequest,
  target: Target,
): { body: Json; losses: Loss[]; names: ToolNames; quirks: Quirks } {
  const quirks = quirksOf(target.quirks);
  const losses = makeLossList();
  const names = makeToolNames(request.tools, quirks.maxToolNameLength);
  const tools = encodeTools(request.tools, names, quirks, losses);
  const body: Body = {
    model: target.model,
    messages: encodeMessages(request, { quirks, scope: target.scope, names, losses }),
  };
  if (tools.length > 0) body["tools"] = tools;
  addChoice(body, request, { names, quirks, losses });
  addLimits(body, request, quirks, losses);
  addReasoning(body, request.reasoning, quirks, losses);
  addFormat(body, request.responseFormat, quirks, losses);
  if (target.stream) {
    body["stream"] = true;
    if (quirks.streamUsage) body["stream_options"] = { include_usage: true };
  }
  for (const name of Object.keys(request.extra)) losses.add(name, name, `only ${request.dialect} understands it`);
  return { body: withoutUnsupported(body, quirks, losses), losses: losses.items, names, quirks };
}
