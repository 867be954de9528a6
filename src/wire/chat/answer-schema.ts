// What a Chat client gets back, as documented to it. Whole answers of a provider pass untouched and may hold more.

import * as v from "valibot";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const completion = v.looseObject({
  id: v.string(),
  object: v.literal("chat.completion"),
  created: count,
  model: v.string(),
  choices: v.array(
    v.looseObject({
      index: count,
      message: v.looseObject({
        role: v.literal("assistant"),
        content: v.nullable(v.string()),
        tool_calls: v.optional(v.array(v.looseObject({ id: v.string(), type: v.string() }))),
      }),
      finish_reason: v.string(),
    }),
  ),
  usage: v.looseObject({ prompt_tokens: count, completion_tokens: count, total_tokens: count }),
});

/** The error of both OpenAI dialects. */
export const error = v.object({
  error: v.object({
    message: v.string(),
    type: v.string(),
    param: v.nullable(v.string()),
    code: v.nullable(v.string()),
  }),
});
