// What a Messages client gets back, as documented to it. Whole answers of a provider pass untouched and may hold more.

import * as v from "valibot";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const message = v.looseObject({
  id: v.string(),
  type: v.literal("message"),
  role: v.literal("assistant"),
  model: v.string(),
  content: v.array(v.looseObject({ type: v.string() })),
  stop_reason: v.nullable(v.string()),
  stop_sequence: v.nullable(v.string()),
  usage: v.looseObject({ input_tokens: count, output_tokens: count }),
});

export const tokenCount = v.object({ input_tokens: v.pipe(v.number(), v.integer(), v.minValue(1)) });

export const error = v.object({
  type: v.literal("error"),
  error: v.object({ type: v.string(), message: v.string() }),
});
