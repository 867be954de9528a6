// A Gemini client's request → canonical request. The URL says the model and whether to stream. Members this file does not know are kept aside
// for their own dialect, so that another one can say it could not carry them.

import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, Reasoning, ResponseFormat } from "../canonical.ts";
import type { Asked } from "../dialect.ts";
import { type Loss, type LossList, makeLossList } from "../losses.ts";
import { present } from "../present.ts";
import { isObject, read } from "../schema.ts";
import { readTopLevel } from "../splice.ts";
import { decodeContents, decodeSystem } from "./client-contents.ts";
import * as schema from "./client-schema.ts";
import { decodeChoice, decodeTools } from "./client-tools.ts";
import { jsonSchema } from "./json-schema.ts";

/** What the URL says of a body that is well-formed. Throws `usage`. */
export function readHead(body: Uint8Array, named: Asked | undefined): Asked {
  if (named === undefined) throw new BrokeError("usage", "the model must be named in the URL");
  readTopLevel(body, []);
  return named;
}

function decodeReasoning({ thinkingConfig }: schema.WireConfig): Reasoning | undefined {
  const { includeThoughts, thinkingBudget: budget, thinkingLevel: level } = thinkingConfig ?? {};
  const effort = level && level !== "THINKING_LEVEL_UNSPECIFIED" ? level.toLowerCase() : undefined;
  const asked: Reasoning = {
    ...(budget === 0 ? { mode: "off" } : typeof budget === "number" && budget < 0 ? { mode: "adaptive" } : {}),
    ...(typeof budget === "number" && budget > 0 ? { budgetTokens: budget } : {}),
    ...(effort === undefined ? {} : { effort }),
    ...(includeThoughts ? { show: true } : {}),
  };
  return Object.keys(asked).length > 0 ? asked : undefined;
}

function decodeFormat(config: schema.WireConfig, losses: LossList): ResponseFormat | undefined {
  const { responseMimeType: type, responseSchema, responseJsonSchema } = config;
  const given = responseJsonSchema ?? (responseSchema ? jsonSchema(responseSchema) : undefined);
  if (type && type !== "application/json" && type !== "text/plain") {
    losses.add("generationConfig.responseMimeType", "type of the answer", "other dialects answer in text or JSON");
    return undefined;
  }
  if (given !== undefined) return { kind: "json_schema", schema: given };
  return type === "application/json" ? { kind: "json_object" } : undefined;
}

function noteLosses(config: schema.WireConfig, losses: LossList): void {
  const { candidateCount, responseModalities, responseLogprobs, logprobs } = config;
  const path = "generationConfig";
  if ((candidateCount ?? 1) > 1) losses.add(`${path}.candidateCount`, "further candidates", "one answer is given");
  if (responseLogprobs || logprobs) losses.add(`${path}.logprobs`, "logprobs", "other dialects do not tell them");
  if (responseModalities?.some((each) => each.toUpperCase() !== "TEXT")) {
    losses.add(`${path}.responseModalities`, "answers that are no text", "other dialects answer in text");
  }
}

/** What only Google understands; a member that is null says nothing. */
function unknownMembers(raw: Json): Record<string, Json> {
  const extra: Record<string, Json> = {};
  const keep = (members: Json | undefined, known: Set<string>, prefix: string) => {
    if (!isObject(members)) return;
    for (const [key, value] of Object.entries(schema.camelKeys(members))) {
      if (!known.has(key) && value !== null) extra[`${prefix}${key}`] = value;
    }
  };
  if (!isObject(raw)) return extra;
  const { toolConfig, generationConfig } = schema.camelKeys(raw);
  keep(raw, schema.known.request, "");
  keep(toolConfig, schema.known.toolConfig, "toolConfig.");
  const { functionCallingConfig: choice } = isObject(toolConfig) ? schema.camelKeys(toolConfig) : {};
  keep(choice, schema.known.callingConfig, "toolConfig.functionCallingConfig.");
  keep(generationConfig, schema.known.generationConfig, "generationConfig.");
  return extra;
}

/** Reads a generateContent request. Throws `usage` naming the path, never the value. */
export function decodeRequest(raw: Json, asked: Asked): { request: CanonicalRequest; losses: Loss[] } {
  const body = read(schema.request, raw, "");
  const config: schema.WireConfig = body.generationConfig ?? {};
  const losses = makeLossList();
  noteLosses(config, losses);
  const request: CanonicalRequest = {
    dialect: "gemini",
    ...asked,
    system: decodeSystem(body.systemInstruction, losses),
    messages: decodeContents(body.contents, losses),
    tools: decodeTools(body.tools ?? [], losses),
    ...present({
      toolChoice: decodeChoice(body.toolConfig, losses),
      maxTokens: config.maxOutputTokens,
      temperature: config.temperature,
      topP: config.topP,
      topK: config.topK,
      seed: config.seed,
      presencePenalty: config.presencePenalty,
      frequencyPenalty: config.frequencyPenalty,
      reasoning: decodeReasoning(config),
      responseFormat: decodeFormat(config, losses),
    }),
    stopSequences: config.stopSequences ?? [],
    extra: unknownMembers(raw),
  };
  return { request, losses: losses.items };
}
