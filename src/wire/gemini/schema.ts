// generateContent answers as Google sends them, the same whole and in chunks. Unknown members are left out.

import * as v from "valibot";
import { json, jsonObject } from "../schema.ts";

const word = v.nullish(v.string());
const count = v.nullish(v.number());

const usage = v.object({
  promptTokenCount: count,
  cachedContentTokenCount: count,
  candidatesTokenCount: count,
  thoughtsTokenCount: count,
  toolUsePromptTokenCount: count,
});
export type WireUsage = v.InferOutput<typeof usage>;

const call = v.object({ id: word, name: word, args: v.nullish(jsonObject) });
export type WireCall = v.InferOutput<typeof call>;

/** What we read of a part, and what is not carried. */
const part = v.object({
  text: word,
  thought: v.nullish(v.boolean()),
  thoughtSignature: word,
  functionCall: v.nullish(call),
  inlineData: v.optional(json),
  fileData: v.optional(json),
  executableCode: v.optional(json),
  codeExecutionResult: v.optional(json),
  toolCall: v.optional(json),
  toolResponse: v.optional(json),
});
export type WirePart = v.InferOutput<typeof part>;

const candidate = v.object({
  index: count,
  content: v.nullish(v.object({ parts: v.nullish(v.array(part)) })),
  finishReason: word,
  groundingMetadata: v.optional(json),
  urlContextMetadata: v.optional(json),
  citationMetadata: v.optional(json),
});
export type WireCandidate = v.InferOutput<typeof candidate>;

export const answer = v.object({
  candidates: v.nullish(v.array(candidate)),
  promptFeedback: v.nullish(v.object({ blockReason: word })),
  usageMetadata: v.nullish(usage),
  error: v.optional(json),
});
export type WireAnswer = v.InferOutput<typeof answer>;
