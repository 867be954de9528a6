// What a Gemini client gets back, as documented to it. Whole answers of a provider pass untouched and may hold more.

import * as v from "valibot";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** A whole answer, and each event of a stream. */
export const answer = v.looseObject({
  candidates: v.optional(
    v.array(
      v.looseObject({
        content: v.optional(
          v.looseObject({ role: v.optional(v.string()), parts: v.optional(v.array(v.looseObject({}))) }),
        ),
        finishReason: v.optional(v.string()),
        index: v.optional(count),
      }),
    ),
  ),
  promptFeedback: v.optional(v.looseObject({ blockReason: v.optional(v.string()) })),
  usageMetadata: v.optional(
    v.looseObject({
      promptTokenCount: v.optional(count),
      candidatesTokenCount: v.optional(count),
      totalTokenCount: count,
    }),
  ),
  modelVersion: v.optional(v.string()),
  responseId: v.optional(v.string()),
});

export const tokenCount = v.looseObject({ totalTokens: v.pipe(v.number(), v.integer(), v.minValue(1)) });

export const error = v.object({
  error: v.looseObject({ code: count, message: v.string(), status: v.string() }),
});
