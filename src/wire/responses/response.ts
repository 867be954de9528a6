// A whole Responses answer → canonical answer: a stream that is nothing but its last word. Half an answer is none.

import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import type { CanonicalResponse, Stop } from "../canonical.ts";
import { collectBlocks } from "../collect.ts";
import type { Loss } from "../losses.ts";
import type { AnswerNames } from "../names.ts";
import { read } from "../schema.ts";
import { finishAnswer } from "./answer.ts";
import { makeItemTracker } from "./items.ts";
import * as schema from "./schema.ts";

const FINISHED = new Set(["completed", "incomplete"]);

/** Throws `upstream` when this is no answer, or an unfinished one. `wraps`: tools of free text were sent as functions. */
export function decodeResponse(body: Json, names: AnswerNames, scope: string, wraps: boolean): CanonicalResponse {
  const response = read(schema.response, body, "", "upstream");
  const { status, output } = response;
  if (!output || (status && !FINISHED.has(status))) {
    throw new BrokeError("upstream", "the provider's answer is not complete");
  }
  const losses: Loss[] = [];
  const events = finishAnswer(response, makeItemTracker(names, scope), false, losses);
  const last = events.at(-1);
  if (last?.kind === "error") throw new BrokeError("upstream", last.error.message);
  const usage = events.find((event) => event.kind === "usage");
  const stop: Stop = last?.kind === "stop" ? last.stop : { kind: "end" };
  return {
    blocks: collectBlocks(events, { wraps, stop }),
    stop,
    usage: usage?.usage ?? null,
    ...(losses.length === 0 ? {} : { losses }),
  };
}
