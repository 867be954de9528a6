// What followed from a run, as its last artifact, so that the artifacts alone tell how it ended. Pure.

import * as v from "valibot";

export const outcomeSchema = v.strictObject({
  kind: v.literal("outcome"),
  v: v.literal(1),
  run: v.string(),
  outcome: v.string(),
  verdict: v.string(),
  categories: v.array(v.string()),
  reasons: v.array(v.string()),
  exit: v.strictObject({ code: v.number(), source: v.string() }),
});
export type Outcome = v.InferOutput<typeof outcomeSchema>;
