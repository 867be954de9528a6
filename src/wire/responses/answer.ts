// The end of a Responses answer: its last word holds all of it again, and is all there is of one that was not streamed.

import type { Json } from "#src/core/json.ts";
import type { HubEvent } from "../canonical.ts";
import { upstreamFailure } from "../errors.ts";
import type { Loss } from "../losses.ts";
import type { ItemTracker } from "./items.ts";
import { noteLost } from "./lost.ts";
import { stopOf, usageOf } from "./reading.ts";
import { item as itemSchema, type WireItem, type WireResponse } from "./schema.ts";
import { fitting } from "../schema.ts";

/** The item, when it has the members we read; what a provider ran itself may have others. */
export function readItem(raw: Json | null | undefined): WireItem | undefined {
  return fitting(itemSchema, raw);
}

const refuses = (item: WireItem) => (item.content ?? []).some((part) => part.type === "refusal");

/** What was not told yet, the cost and the stop; or an error alone. `refusal`: one was streamed; what is lost is added to `losses`. */
export function finishAnswer(
  response: WireResponse,
  tracker: ItemTracker,
  refusal: boolean,
  losses: Loss[],
): HubEvent[] {
  response.output?.forEach((item, index) => noteLost(item, `output[${index}]`, losses));
  const complete = response.status !== "incomplete";
  const output = (response.output ?? []).flatMap((raw) => readItem(raw) ?? []);
  const refused = refusal || output.some(refuses) || response.incomplete_details?.reason === "content_filter";
  // What a refused answer wanted to call is left unfinished: it must not run.
  const told = refused ? output.filter((item) => item.call_id === undefined || item.call_id === null) : output;
  const events = [...tracker.settle(told), ...tracker.end(refused || !complete)];
  const broken = events.find((event) => event.kind === "error");
  if (broken !== undefined) return [broken];
  if (response.usage) events.push({ kind: "usage", usage: usageOf(response.usage) });
  const stop = stopOf(response, complete, { calls: tracker.calls > 0, refusal: refused });
  return [...events, { kind: "stop", stop }];
}

/** Not an answer: what is said about it. */
export const UNREADABLE = upstreamFailure("the provider sent something that is not part of an answer");
