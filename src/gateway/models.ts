// `/v1/models`: exactly the slots the resolver would serve now, in Anthropic's shape.

import * as v from "valibot";
import { isoTime } from "#src/core/clock.ts";
import { resolve } from "#src/routing/resolve.ts";
import { slots } from "#src/routing/slots.ts";
import type { GatewayDeps } from "./ports.ts";

export const modelListSchema = v.object({
  data: v.array(
    v.object({ type: v.literal("model"), id: v.string(), display_name: v.string(), created_at: v.string() }),
  ),
  has_more: v.literal(false),
  first_id: v.nullable(v.string()),
  last_id: v.nullable(v.string()),
});
export type ModelList = v.InferOutput<typeof modelListSchema>;

/** The list; a slot without backend or key is left out. */
export function listModels(deps: Pick<GatewayDeps, "generations" | "keys">): ModelList {
  const generation = deps.generations.current();
  const keyNames = deps.keys.names();
  const data = slots
    .filter((slot) => resolve({ requested: slot.id, generation, keyNames }).kind === "attempts")
    .map((slot) => ({ type: "model" as const, id: slot.id, display_name: slot.title, created_at: isoTime(0) }));
  return { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}
