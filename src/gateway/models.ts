// The models list: exactly the slots the resolver would serve now, in the shape of the dialect that asks.

import * as v from "valibot";
import { isoTime } from "#src/core/clock.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { type Slot, slotsOf } from "#src/routing/slots.ts";
import { type Caller, liveCaller } from "./caller.ts";
import { type ResolveDeps, resolveNow } from "./resolution.ts";

const anthropicModel = v.object({
  type: v.literal("model"),
  id: v.string(),
  display_name: v.string(),
  created_at: v.string(),
});
const openaiModel = v.object({
  id: v.string(),
  object: v.literal("model"),
  created: v.number(),
  owned_by: v.literal("broke"),
});
const geminiModel = v.object({
  name: v.string(),
  displayName: v.string(),
  version: v.string(),
  supportedGenerationMethods: v.array(v.string()),
});

const anthropicList = v.object({
  data: v.array(anthropicModel),
  has_more: v.literal(false),
  first_id: v.nullable(v.string()),
  last_id: v.nullable(v.string()),
});
const openaiList = v.object({ object: v.literal("list"), data: v.array(openaiModel) });
const geminiList = v.object({ models: v.array(geminiModel) });

export const anyList = v.union([anthropicList, openaiList, geminiList]);
export const anyModel = v.union([anthropicModel, openaiModel, geminiModel]);

function anthropicOf({ id, title }: Slot): v.InferOutput<typeof anthropicModel> {
  return { type: "model", id, display_name: title, created_at: isoTime(0) };
}
function openaiOf({ id }: Slot): v.InferOutput<typeof openaiModel> {
  return { id, object: "model", created: 0, owned_by: "broke" };
}
function geminiOf({ id, title }: Slot): v.InferOutput<typeof geminiModel> {
  const supportedGenerationMethods = ["generateContent", "streamGenerateContent", "countTokens"];
  return { name: `models/${id}`, displayName: title, version: "1", supportedGenerationMethods };
}

/** The slots the resolver would serve now. */
export function servedSlots(deps: ResolveDeps, caller: Caller = liveCaller): Slot[] {
  return slotsOf(deps.generations.current()).filter(
    (slot) => resolveNow(slot.id, deps, caller).resolution.kind === "attempts",
  );
}

/** The whole list. */
export function modelList(served: readonly Slot[], dialect: Dialect) {
  if (dialect === "gemini") return { models: served.map(geminiOf) } satisfies v.InferOutput<typeof geminiList>;
  if (dialect !== "anthropic") {
    return { object: "list", data: served.map(openaiOf) } satisfies v.InferOutput<typeof openaiList>;
  }
  const data = served.map(anthropicOf);
  return {
    data,
    has_more: false,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  } satisfies v.InferOutput<typeof anthropicList>;
}

/** One entry of the list. */
export function modelEntry(slot: Slot, dialect: Dialect) {
  if (dialect === "gemini") return geminiOf(slot);
  return dialect === "anthropic" ? anthropicOf(slot) : openaiOf(slot);
}

/** The dialect of a caller that asks for the list, by the marks each kind of client leaves. */
export function dialectOfCaller(path: string, headers: Headers): Dialect {
  if (path.startsWith("/v1beta/") || headers.has("x-goog-api-key") || headers.has("x-goog-api-client")) return "gemini";
  return headers.has("anthropic-version") || headers.has("x-api-key") ? "anthropic" : "openai-chat";
}
