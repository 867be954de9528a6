// Canonical request → Responses request (OpenAI's API reference), shaped by the backend's quirks. What the backend would refuse is left out and
// written down as a loss; nothing is stored there, so encrypted reasoning is asked for and sent back.

import { createHash } from "node:crypto";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, Reasoning, ResponseFormat } from "../canonical.ts";
import { systemText } from "../chat/content.ts";
import type { Target } from "../dialect.ts";
import { effortWord } from "../effort.ts";
import { type Loss, type LossList, makeLossList } from "../losses.ts";
import { makeToolNames, type ToolNames } from "../names.ts";
import { objectAnswer } from "../object-answer.ts";
import { type Quirks, quirksOf } from "../quirks.ts";
import { mayBeStrict } from "../strictness.ts";
import { textPart } from "./content.ts";
import { withoutUnsupported } from "../unsupported.ts";
import { encodeInput } from "./conversation.ts";
import { encodeTools } from "./tools.ts";

const MAX_KEY_LENGTH = 64;
/** OpenAI refuses a lower limit for the answer. */
const MIN_OUTPUT_TOKENS = 16;

type Body = { [key: string]: Json };

const hash = (text: string) => createHash("sha256").update(text).digest("hex");

function encodeReasoning(reasoning: Reasoning | undefined, quirks: Quirks, losses: LossList): Body {
  // Models that do not reason refuse to be asked for it, encrypted or not.
  const include = quirks.reasoningEffort ? { include: ["reasoning.encrypted_content"] } : {};
  if (reasoning === undefined) return include;
  if (!quirks.reasoningEffort) {
    // A model that cannot be asked to think is not asked to stop either.
    if (reasoning.mode !== "off") losses.add("reasoning", "reasoning", "the backend takes no effort");
    return include;
  }
  const { budgetTokens: budget, mode, show } = reasoning;
  const members: Body = {};
  const word = effortWord(reasoning, quirks, losses);
  if (word !== undefined) members["effort"] = word;
  if (mode !== "off" && (show ?? (mode === "adaptive" || budget !== undefined))) members["summary"] = "auto";
  return Object.keys(members).length === 0 ? include : { ...include, reasoning: members };
}

function encodeFormat(format: ResponseFormat, losses: LossList): Body | undefined {
  if (format.kind === "json_object") return { type: "json_object" };
  const schema = objectAnswer(format.schema, losses);
  if (schema === undefined) return undefined;
  const strict = format.strict !== false && mayBeStrict(schema, "response format", losses);
  return { type: "json_schema", name: format.name ?? "answer", schema, strict };
}

function encodeText(request: CanonicalRequest, quirks: Quirks, losses: LossList): Body {
  const { responseFormat, verbosity } = request;
  const text: Body = {};
  const format = responseFormat === undefined ? undefined : encodeFormat(responseFormat, losses);
  if (format !== undefined) text["format"] = format;
  if (verbosity !== undefined && quirks.verbosity) text["verbosity"] = verbosity;
  if (verbosity !== undefined && !quirks.verbosity) losses.add("verbosity", "verbosity", "the backend takes none");
  return Object.keys(text).length === 0 ? {} : { text };
}

function encodeLimits(request: CanonicalRequest, losses: LossList): Body {
  const { maxTokens, temperature, topP } = request;
  const body: Body = {};
  if (maxTokens !== undefined) {
    body["max_output_tokens"] = Math.max(MIN_OUTPUT_TOKENS, maxTokens);
    if (maxTokens < MIN_OUTPUT_TOKENS)
      losses.add("max_tokens", "max_tokens", `OpenAI takes ${MIN_OUTPUT_TOKENS} at least`);
  }
  if (temperature !== undefined) body["temperature"] = temperature;
  if (topP !== undefined) body["top_p"] = topP;
  const absent: [string, boolean][] = [
    ["top_k", request.topK !== undefined],
    ["seed", request.seed !== undefined],
    ["presence_penalty", Boolean(request.presencePenalty)],
    ["frequency_penalty", Boolean(request.frequencyPenalty)],
    ["stop sequences", request.stopSequences.length > 0],
  ];
  for (const [name, given] of absent) if (given) losses.add(name, name, "Responses has no such setting");
  return body;
}

/** Requests of one user share a cache where the client has no key of its own: who they are is told as a hash only. */
function encodeUser({ userId, cacheKey }: CanonicalRequest, quirks: Quirks): Body {
  const user = userId === undefined ? undefined : hash(userId);
  const key = cacheKey !== undefined && cacheKey.length > MAX_KEY_LENGTH ? hash(cacheKey) : (cacheKey ?? user);
  return {
    ...(key !== undefined && quirks.cacheKey ? { prompt_cache_key: key } : {}),
    ...(user === undefined ? {} : { safety_identifier: user }),
  };
}

/** The system prompt and the conversation; a prompt alone is what the user says, since OpenAI wants somebody to answer. */
function encodeWords(request: CanonicalRequest, context: Parameters<typeof encodeInput>[1]): Body {
  const instructions = systemText(request.system, "system", context.losses);
  const input = encodeInput(request, context);
  if (instructions === "") return { input };
  if (input.length > 0) return { instructions, input };
  context.losses.add("system", "system prompt without a conversation", "OpenAI wants a message to answer");
  return { input: [{ type: "message", role: "user", content: [textPart(instructions)] }] };
}

/** The body for a backend, what it could not carry, and the tool names as the backend knows them. */
export function encodeRequest(
  request: CanonicalRequest,
  target: Target,
): { body: Json; losses: Loss[]; names: ToolNames; quirks: Quirks } {
  const quirks = quirksOf(target.quirks);
  const losses = makeLossList();
  const names = makeToolNames(request.tools, quirks.maxToolNameLength);
  const body: Body = {
    model: target.model,
    ...encodeWords(request, { quirks, scope: target.scope, names, losses }),
    ...encodeTools(request, names, quirks, losses),
    ...encodeLimits(request, losses),
    ...encodeReasoning(request.reasoning, quirks, losses),
    ...encodeText(request, quirks, losses),
    ...encodeUser(request, quirks),
    store: false,
    ...(target.stream ? { stream: true } : {}),
  };
  for (const name of Object.keys(request.extra)) losses.add(name, name, `only ${request.dialect} understands it`);
  return { body: withoutUnsupported(body, quirks, losses), losses: losses.items, names, quirks };
}
