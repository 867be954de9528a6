// Canonical request → Anthropic Messages request, for clients of another dialect. What Anthropic would refuse is left out and written down as a
// loss; nothing is invented but the limit it demands.

import { createHash } from "node:crypto";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest } from "../canonical.ts";
import type { Target } from "../dialect.ts";
import { type Loss, type LossList, makeLossList } from "../losses.ts";
import { makeToolNames, type ToolNames } from "../names.ts";
import { type Quirks, quirksOf } from "../quirks.ts";
import { isObject } from "../schema.ts";
import { withoutUnsupported } from "../unsupported.ts";
import { contentMembers } from "./backend-content.ts";
import { hasMarks, keepLastMarks, markPrefixes } from "./backend-cache.ts";
import { encodeMessages, hasUnthoughtCalls } from "./backend-conversation.ts";
import { formatSchema } from "./backend-format.ts";
import { encodeReasoning } from "./backend-reasoning.ts";
import { encodeChoice, encodeTools } from "./backend-tools.ts";

type Body = { [key: string]: Json };

const MAX_USER_LENGTH = 256;

function encodeSampling(request: CanonicalRequest, thinks: boolean, { unsupported }: Quirks, losses: LossList): Body {
  const body: Body = {};
  const { temperature, topP, topK } = request;
  const lose = (what: string, why: string) => losses.add(what, what, why);
  // Where a setting may not be said, leaving out its usual value is no loss.
  const takes = (name: string, value: number, usual?: number): boolean => {
    const refused = thinks || unsupported.includes(name);
    if (refused && value !== usual)
      lose(name, thinks ? "Anthropic takes none while it thinks" : "the backend does not take it");
    return !refused;
  };
  const tempered = temperature !== undefined && takes("temperature", temperature, 1);
  if (tempered) body["temperature"] = Math.min(temperature, 1);
  if (tempered && temperature > 1) lose("temperature", "Anthropic's ends at 1");
  if (topP !== undefined && takes("top_p", topP, 1)) {
    if (!tempered) body["top_p"] = topP;
    else if (topP !== 1) lose("top_p", "Anthropic takes it or a temperature");
  }
  if (topK !== undefined && takes("top_k", topK)) body["top_k"] = topK;
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
  const schema = formatSchema(format.schema, losses);
  if (schema === undefined) return members;
  const given = isObject(members["output_config"]) ? members["output_config"] : {};
  return { ...members, output_config: { ...given, format: { type: "json_schema", schema } } };
}

/** A long one is refused, and one that tells who the user is. */
function userMember(userId: string | undefined): Body {
  if (userId === undefined) return {};
  const plain = userId.length <= MAX_USER_LENGTH && !userId.includes("@");
  return { metadata: { user_id: plain ? userId : createHash("sha256").update(userId).digest("hex") } };
}

/** The system prompt and the conversation; a prompt alone is what the user says, since Anthropic wants somebody to answer. */
function encodeWords(request: CanonicalRequest, scope: string, names: ToolNames, losses: LossList) {
  const all = contentMembers(request.system, "system", losses);
  const system = all.filter((member) => member["type"] === "text");
  if (system.length < all.length) losses.add("system", "image", "a system prompt carries text only");
  const messages = encodeMessages(request, { scope, names, losses });
  if (messages.length > 0 || system.length === 0) return { system, messages };
  losses.add("system", "system prompt without a conversation", "Anthropic wants a message to answer");
  return { system: [], messages: [{ role: "user" as const, content: system }] };
}

/** The body for a backend, what it could not carry, and the tool names as the backend knows them. */
export function encodeRequest(
  request: CanonicalRequest,
  target: Target,
): { body: Json; losses: Loss[]; names: ToolNames } {
  const quirks = quirksOf(target.quirks);
  const losses = makeLossList();
  const names = makeToolNames(request.tools, quirks.maxToolNameLength);
  const tools = encodeTools(request.tools, names, quirks, losses);
  const { system, messages } = encodeWords(request, target.scope, names, losses);
  const maxTokens = request.maxTokens ?? quirks.defaultMaxTokens;
  const { members, thinks } = encodeReasoning(request, maxTokens, hasUnthoughtCalls(messages), quirks, losses);
  const mark = hasMarks(request) ? keepLastMarks : markPrefixes;
  const marked = mark({ tools, system, messages });
  const body: Body = {
    model: target.model,
    max_tokens: maxTokens,
    ...(system.length === 0 ? {} : { system: marked.system }),
    messages: marked.messages,
    ...(tools.length === 0 ? {} : { tools: marked.tools }),
    ...encodeChoice(request, tools, thinks, names, quirks, losses),
    ...encodeSampling(request, thinks, quirks, losses),
    ...withFormat(request, members, losses),
    ...userMember(request.userId),
    ...(target.stream ? { stream: true } : {}),
  };
  for (const name of Object.keys(request.extra)) losses.add(name, name, `only ${request.dialect} understands it`);
  return { body: withoutUnsupported(body, quirks, losses), losses: losses.items, names };
}
