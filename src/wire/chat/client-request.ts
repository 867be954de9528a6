// A client's Chat Completions request → canonical request. Members this file does not know are kept aside for their own dialect, so that
// another one can say it could not carry them.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, FunctionTool, Reasoning, ResponseFormat, Tool } from "../canonical.ts";
import type { Asked } from "../dialect.ts";
import { type Loss, type LossList, makeLossList } from "../losses.ts";
import { isObject, read } from "../schema.ts";
import { loseUnknown } from "../unknown.ts";
import { cacheOf, decodeMessages } from "./client-messages.ts";
import * as schema from "./client-schema.ts";

const KNOWN = new Set(Object.keys(schema.request.entries));
const NO_PARAMETERS: Json = { type: "object", properties: {} };

type WireFunction = NonNullable<schema.WireRequest["functions"]>[number];

function functionTool(given: WireFunction): FunctionTool {
  return {
    kind: "function",
    name: given.name,
    schema: given.parameters ?? NO_PARAMETERS,
    ...(typeof given.description === "string" ? { description: given.description } : {}),
    ...(typeof given.strict === "boolean" ? { strict: given.strict } : {}),
  };
}

/** A grammar as OpenAI's other dialect writes it: one level less deep. */
function flat(format: Json): Json {
  return isObject(format) && isObject(format["grammar"]) ? { type: "grammar", ...format["grammar"] } : format;
}

function decodeTool(raw: Json, path: string, losses: LossList): Tool {
  const { type } = read(schema.partType, raw, path);
  if (type === "function") {
    const tool = read(schema.tools.function, raw, path);
    loseUnknown(isObject(raw) ? raw["function"]! : raw, schema.known.function, `${path}.function`, "a tool", losses);
    return { ...functionTool(tool.function), ...cacheOf(tool) };
  }
  if (type === "custom") {
    const { name, description, format } = read(schema.tools.custom, raw, path).custom;
    return {
      kind: "custom",
      name,
      ...(typeof description === "string" ? { description } : {}),
      ...(format === null || format === undefined ? {} : { format: flat(format) }),
    };
  }
  const name = read(schema.tools.other, raw, path).name ?? type;
  const hosted = /(?:^|:)web_search/.test(type) ? { hosted: "web_search" as const } : {};
  return { kind: "server", dialect: "openai-chat", type, name, ...hosted, raw };
}

function decodeTools(body: schema.WireRequest, losses: LossList): Tool[] {
  const tools = (body.tools ?? []).map((raw, index) => decodeTool(raw, `tools[${index}]`, losses));
  tools.push(...(body.functions ?? []).map(functionTool));
  const search = body.web_search_options;
  if (search !== null && search !== undefined) {
    const type = "web_search_options";
    tools.push({ kind: "server", dialect: "openai-chat", type, name: "web_search", hosted: "web_search", raw: search });
  }
  return tools;
}

function decodeChoice(body: schema.WireRequest, losses: LossList): Pick<CanonicalRequest, "toolChoice"> {
  const choice = body.tool_choice ?? body.function_call;
  if (choice === null || choice === undefined) return {};
  if (typeof choice === "string") return { toolChoice: { kind: choice } };
  if (!("type" in choice)) return { toolChoice: { kind: "tool", name: choice.name } };
  switch (choice.type) {
    case "function":
      return { toolChoice: { kind: "tool", name: choice.function.name } };
    case "custom":
      return { toolChoice: { kind: "tool", name: choice.custom.name } };
    case "allowed_tools":
      losses.add("tool_choice", "allowed tools", "every tool of the request stays allowed");
      return { toolChoice: { kind: choice.allowed_tools.mode } };
  }
}

function decodeReasoning(body: schema.WireRequest): Reasoning | undefined {
  const effort = body.reasoning_effort ?? body.reasoning?.effort;
  const budgetTokens = body.reasoning?.max_tokens;
  const enabled = body.reasoning?.enabled;
  if (effort === "none" || enabled === false) return { mode: "off" };
  if (!effort && typeof budgetTokens !== "number") return enabled === true ? { mode: "adaptive" } : undefined;
  return { ...(effort ? { effort } : {}), ...(typeof budgetTokens === "number" ? { budgetTokens } : {}) };
}

function decodeFormat(format: schema.WireRequest["response_format"], losses: LossList): ResponseFormat | undefined {
  if (!format) return undefined;
  if (format.type !== "json_schema") return format.type === "text" ? undefined : { kind: "json_object" };
  const { name, description, schema: given, strict } = format.json_schema;
  if (description) losses.add("response_format", "description of the answer's format", "other dialects have none");
  return {
    kind: "json_schema",
    schema: given ?? {},
    ...(typeof name === "string" ? { name } : {}),
    ...(typeof strict === "boolean" ? { strict } : {}),
  };
}

/** The members with a value, under their canonical names. */
function present<Key extends keyof CanonicalRequest>(values: {
  [key in Key]: CanonicalRequest[key] | null | undefined;
}): { [key in Key]?: NonNullable<CanonicalRequest[key]> } {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null && value !== undefined),
  ) as never;
}

/** `null` is how some clients leave a member out. */
function unknownMembers(raw: Json): Record<string, Json> {
  if (!isObject(raw)) return {};
  return Object.fromEntries(Object.entries(raw).filter(([key, value]) => !KNOWN.has(key) && value !== null));
}

/** Reads a Chat Completions request. Throws `usage` naming the path, never the value. */
export function decodeRequest(raw: Json, asked: Asked): { request: CanonicalRequest; losses: Loss[] } {
  const body = read(schema.request, raw, "");
  const losses = makeLossList();
  if ((body.n ?? 1) > 1) losses.add("n", "further choices", "one answer is given");
  if (body.logprobs) losses.add("logprobs", "logprobs", "other dialects do not tell them");
  const { stop } = body;
  if (body.reasoning) loseUnknown(body.reasoning as Json, schema.known.reasoning, "reasoning", "reasoning", losses);
  // Such a client hears of one call, so the model is asked for no more.
  const legacy = Boolean(body.functions?.length) && !body.tools?.length;
  const request: CanonicalRequest = {
    dialect: "openai-chat",
    ...asked,
    ...decodeMessages(body.messages, losses),
    tools: decodeTools(body, losses),
    ...decodeChoice(body, losses),
    ...present({
      parallelToolCalls: legacy ? false : body.parallel_tool_calls,
      maxTokens: body.max_completion_tokens ?? body.max_tokens,
      temperature: body.temperature,
      topP: body.top_p,
      topK: body.top_k,
      seed: body.seed,
      presencePenalty: body.presence_penalty,
      frequencyPenalty: body.frequency_penalty,
      reasoning: decodeReasoning(body),
      verbosity: body.verbosity,
      responseFormat: decodeFormat(body.response_format, losses),
      streamUsage: body.stream_options?.include_usage,
      legacyCalls: legacy || undefined,
      userId: body.user ?? body.safety_identifier,
      cacheKey: body.prompt_cache_key,
    }),
    stopSequences: typeof stop === "string" ? [stop] : (stop ?? []),
    extra: unknownMembers(raw),
  };
  return { request, losses: losses.items };
}
