// Canonical request → generateContent request (Google's API reference), shaped by the backend's quirks. What the backend would refuse is left out
// and written down as a loss; nothing is invented.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest } from "../canonical.ts";
import { systemText } from "../chat/content.ts";
import type { Target } from "../dialect.ts";
import { type Loss, type LossList, makeLossList } from "../losses.ts";
import { makeToolNames, type ToolNames } from "../names.ts";
import { type Quirks, quirksOf } from "../quirks.ts";
import { withoutUnsupported } from "../unsupported.ts";
import { encodeContents } from "./conversation.ts";
import { encodeReasoning } from "./reasoning.ts";
import { encodeTools } from "./tools.ts";

const MAX_STOPS = 5;
/** No Gemini answers more, and a higher limit is refused. */
const MAX_OUTPUT_TOKENS = 65_536;
/** Google refuses a function's name that begins with anything else. */
const NAME_BEGINS = /^[a-zA-Z_]/;

type Body = { [key: string]: Json };

function encodeLimits(request: CanonicalRequest, losses: LossList): Body {
  const { maxTokens, stopSequences: stops } = request;
  const body: Body = {};
  // Anthropic's clients ask for none to fill a cache.
  if (maxTokens !== undefined) body["maxOutputTokens"] = Math.max(1, Math.min(maxTokens, MAX_OUTPUT_TOKENS));
  if (maxTokens === 0) losses.add("max_tokens", "max_tokens", "Gemini takes 1 at least");
  if (maxTokens !== undefined && maxTokens > MAX_OUTPUT_TOKENS) {
    losses.add("max_tokens", "max_tokens", `Gemini takes ${MAX_OUTPUT_TOKENS} at most`);
  }
  if (request.temperature !== undefined) body["temperature"] = request.temperature;
  if (request.topP !== undefined) body["topP"] = request.topP;
  if (request.topK !== undefined) body["topK"] = request.topK;
  if (request.seed !== undefined) body["seed"] = request.seed;
  if (request.presencePenalty !== undefined) body["presencePenalty"] = request.presencePenalty;
  if (request.frequencyPenalty !== undefined) body["frequencyPenalty"] = request.frequencyPenalty;
  if (request.verbosity !== undefined) losses.add("verbosity", "verbosity", "Gemini has no such setting");
  if (stops.length > 0) body["stopSequences"] = stops.slice(0, MAX_STOPS);
  if (stops.length > MAX_STOPS) losses.add("stop sequences", "stop sequences", `Gemini takes ${MAX_STOPS}`);
  return body;
}

function encodeFormat(
  { responseFormat: format }: CanonicalRequest,
  functions: number,
  quirks: Quirks,
  losses: LossList,
): Body {
  if (format === undefined) return {};
  if (functions > 0 && !quirks.reasoningEffort) {
    losses.add("response format", "response format", "before Gemini 3 there is none where tools are");
    return {};
  }
  const json = { responseMimeType: "application/json" };
  return format.kind === "json_object" ? json : { ...json, responseJsonSchema: format.schema };
}

/** The system prompt and the conversation; a prompt alone is what the user says, since Google wants somebody to answer. */
function encodeWords(request: CanonicalRequest, context: Parameters<typeof encodeContents>[1]): Body {
  const system = systemText(request.system, "system", context.losses);
  const contents = encodeContents(request, context);
  if (system === "") return { contents };
  const parts = [{ text: system }];
  if (contents.length > 0) return { systemInstruction: { parts }, contents };
  context.losses.add("system", "system prompt without a conversation", "Google wants a message to answer");
  return { contents: [{ role: "user", parts }] };
}

/** The body for a backend, what it could not carry, and the tool names as the backend knows them. */
export function encodeRequest(
  request: CanonicalRequest,
  target: Target,
): { body: Json; losses: Loss[]; names: ToolNames } {
  const quirks = quirksOf(target.quirks);
  const losses = makeLossList();
  const names = makeToolNames(request.tools, quirks.maxToolNameLength, NAME_BEGINS);
  const words = encodeWords(request, { quirks, scope: target.scope, names, losses });
  const { members: tools, functions } = encodeTools(request, names, quirks, losses);
  const settings = withoutUnsupported(
    {
      ...encodeLimits(request, losses),
      ...encodeReasoning(request.reasoning, quirks, losses),
      ...encodeFormat(request, functions, quirks, losses),
    },
    quirks,
    losses,
  );
  const body: Body = {
    ...words,
    ...tools,
    ...(Object.keys(settings).length === 0 ? {} : { generationConfig: settings }),
  };
  for (const name of Object.keys(request.extra)) losses.add(name, name, `only ${request.dialect} understands it`);
  return { body: withoutUnsupported(body, quirks, losses), losses: losses.items, names };
}
