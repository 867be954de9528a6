// `/v1/models`: exactly the slots the resolver would serve now, in Anthropic's shape.

import { isoTime } from "#src/core/clock.ts";
import { resolve } from "#src/routing/resolve.ts";
import { slots } from "#src/routing/slots.ts";
import type { GatewayDeps } from "./ports.ts";

type ModelEntry = { type: "model"; id: string; display_name: string; created_at: string };
export type ModelList = { data: ModelEntry[]; has_more: false; first_id: string | null; last_id: string | null };

/** The list; a slot without backend or key is left out. */
export function listModels(deps: GatewayDeps): ModelList {
  const generation = deps.generations.current();
  const keyNames = deps.keys.names();
  const data = slots
    .filter((slot) => resolve({ requested: slot.id, generation, keyNames }).kind === "attempts")
    .map((slot) => ({ type: "model" as const, id: slot.id, display_name: slot.title, created_at: isoTime(0) }));
  return { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}
