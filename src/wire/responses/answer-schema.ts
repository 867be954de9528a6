// What a Responses client gets back, as documented to it. Whole answers of a provider pass untouched and may hold more.

import * as v from "valibot";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const response = v.looseObject({
  id: v.string(),
  object: v.literal("response"),
  created_at: v.number(),
  status: v.picklist(["completed", "incomplete", "failed", "in_progress"]),
  model: v.string(),
  output: v.array(v.looseObject({ type: v.string() })),
  incomplete_details: v.nullable(v.looseObject({ reason: v.string() })),
  usage: v.nullable(v.looseObject({ input_tokens: count, output_tokens: count, total_tokens: count })),
});
