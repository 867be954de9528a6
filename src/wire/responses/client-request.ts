// A client's Responses request → canonical request. Members this file does not know are kept aside for their own dialect, so that another one
// can say it could not carry them.

import type { Json } from "#src/core/json.ts";
import type { Block, CanonicalRequest, Reasoning, ResponseFormat } from "../canonical.ts";
import type { Asked } from "../dialect.ts";
import { type Loss, type LossList, makeLossList } from "../losses.ts";
import { present } from "../present.ts";
import { isObject, read } from "../schema.ts";
import { decodeInput } from "./client-items.ts";
import * as schema from "./client-schema.ts";
import { decodeChoice, decodeTools, withoutRepeated } from "./client-tools.ts";

const KNOWN = new Set(Object.keys(schema.request.entries));
const KNOWN_WITHIN = {
  reasoning: new Set(["effort", "summary", "generate_summary"]),
  text: new Set(["format", "verbosity"]),
};

function decodeReasoning({ reasoning }: schema.WireRequest): Reasoning | undefined {
  if (!reasoning) return undefined;
  const { effort } = reasoning;
  if (effort === "none") return { mode: "off" };
  const summary = reasoning.summary ?? reasoning.generate_summary ?? "none";
  const asked: Reasoning = { ...(effort ? { effort } : {}), ...(summary === "none" ? {} : { show: true }) };
  return Object.keys(asked).length > 0 ? asked : undefined;
}

function decodeFormat({ text }: schema.WireRequest, losses: LossList): ResponseFormat | undefined {
  const format = text?.format;
  if (!format) return undefined;
  if (format.type !== "json_schema") return format.type === "text" ? undefined : { kind: "json_object" };
  if (format.description) losses.add("text.format", "description of the answer's format", "other dialects have none");
  return {
    kind: "json_schema",
    schema: format.schema,
    ...(format.name ? { name: format.name } : {}),
    ...(typeof format.strict === "boolean" ? { strict: format.strict } : {}),
  };
}

/** What only OpenAI understands; a member that is null says nothing. */
function unknownMembers(raw: Json): Record<string, Json> {
  const extra: Record<string, Json> = {};
  const keep = (members: Json | undefined, known: Set<string>, prefix: string) => {
    if (!isObject(members)) return;
    for (const [key, value] of Object.entries(members)) {
      if (!known.has(key) && value !== null) extra[`${prefix}${key}`] = value;
    }
  };
  keep(raw, KNOWN, "");
  if (!isObject(raw)) return extra;
  keep(raw["reasoning"], KNOWN_WITHIN.reasoning, "reasoning.");
  keep(raw["text"], KNOWN_WITHIN.text, "text.");
  return extra;
}

/** Reads a Responses request. Throws `usage` naming the path, never the value. */
export function decodeRequest(raw: Json, asked: Asked): { request: CanonicalRequest; losses: Loss[] } {
  const body = read(schema.request, raw, "");
  const losses = makeLossList();
  const { system, messages, tools: added } = decodeInput(body.input, losses);
  const instructions: Block[] = body.instructions ? [{ kind: "text", text: body.instructions }] : [];
  const tools = withoutRepeated([...decodeTools(body.tools ?? [], "tools", losses), ...added]);
  const request: CanonicalRequest = {
    dialect: "openai-responses",
    ...asked,
    system: [...instructions, ...system],
    messages,
    tools,
    ...present({
      toolChoice: body.tool_choice ? decodeChoice(body.tool_choice, tools, losses) : undefined,
      parallelToolCalls: body.parallel_tool_calls,
      maxTokens: body.max_output_tokens,
      temperature: body.temperature,
      topP: body.top_p,
      reasoning: decodeReasoning(body),
      verbosity: body.text?.verbosity,
      responseFormat: decodeFormat(body, losses),
      userId: body.safety_identifier ?? body.user,
      cacheKey: body.prompt_cache_key,
    }),
    stopSequences: [],
    extra: unknownMembers(raw),
  };
  return { request, losses: losses.items };
}
