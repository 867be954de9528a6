// Watches an Anthropic answer that passes through untouched, for what it cost and how it ended. What it cannot read it does not know: it never
// changes or breaks an answer.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import type { PassCodec, StreamWatch, Told } from "../dialect.ts";
import { type Cost, noCost } from "../flow.ts";
import { fitting, isObject } from "../schema.ts";
import { thinkingTaken } from "../losses.ts";
import { applyChanges, spliceTopLevel } from "../splice.ts";
import { errorInAnswer } from "./backend-answer.ts";
import { decodeError, errorOf } from "./provider-errors.ts";
import { withoutForeignThinking } from "./foreign-thinking.ts";
import { makeSseParser } from "../sse.ts";

const count = v.nullish(v.number());
const usageSchema = v.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
});
const messageSchema = v.object({ type: v.literal("message"), usage: v.nullish(usageSchema) });
const eventSchema = v.object({
  message: v.nullish(v.object({ usage: v.nullish(usageSchema) })),
  usage: v.nullish(usageSchema),
});
/** Later counts of a stream are totals: they replace what `message_start` said. */
function addUsage(cost: Cost, usage: v.InferOutput<typeof usageSchema> | null | undefined): Cost {
  return {
    input: usage?.input_tokens ?? cost.input,
    output: usage?.output_tokens ?? cost.output,
    cacheRead: usage?.cache_read_input_tokens ?? cost.cacheRead,
    cacheWrite: usage?.cache_creation_input_tokens ?? cost.cacheWrite,
  };
}

const EVENT = new TextEncoder().encode("event: content_block_");

/** Deltas are nearly all there is: known by their first bytes, they are not read. */
function isContent(frame: Uint8Array): boolean {
  if (frame.length < EVENT.length) return false;
  for (let at = 0; at < EVENT.length; at++) if (frame[at] !== EVENT[at]) return false;
  return true;
}

function watchStream(): StreamWatch {
  let cost = noCost;
  const note = (data: string) => {
    const event = fitting(eventSchema, parseJson(data));
    if (event !== undefined) cost = addUsage(addUsage(cost, event.message?.usage), event.usage);
  };
  const tell = (event: string, data: string): Told => {
    switch (event) {
      case "message_start":
      case "message_delta":
        note(data);
        return { kind: "other" };
      case "message_stop":
        return { kind: "end" };
      case "error":
        return { kind: "error", error: errorOf(parseJson(data)) };
      default:
        return { kind: event.startsWith("content_block_") ? "content" : "other" };
    }
  };
  return {
    frame(frame) {
      if (isContent(frame)) return { kind: "content" };
      const [event] = makeSseParser().push(frame);
      if (event === undefined) return { kind: "other" };
      if (event.event !== "message") return tell(event.event, event.data);
      const body = parseJson(event.data);
      return tell(isObject(body) && typeof body["type"] === "string" ? body["type"] : "", event.data);
    },
    cost: () => cost,
  };
}

/** Of a client's query what names the version of the call: the rest may be its token, or tell about the machine. */
export function versionIn(query: string): string {
  const beta = query === "" ? null : new URLSearchParams(query).get("beta");
  return beta === null ? "" : `?beta=${encodeURIComponent(beta)}`;
}

export const messagesPass: PassCodec = {
  path: (_target, query) => `/messages${versionIn(query)}`,
  prepare(body, { model }) {
    const spliced = spliceTopLevel(body, { model });
    const changes = withoutForeignThinking(spliced);
    const taken = changes.length > 0;
    return {
      body: taken ? applyChanges(spliced, changes) : spliced,
      losses: thinkingTaken("messages", taken),
      watchStream,
    };
  },
  readWhole(answer) {
    const message = fitting(messageSchema, answer);
    if (message === undefined) throw new BrokeError("upstream", "the provider's answer is not a message");
    return addUsage(noCost, message.usage);
  },
  errorInAnswer: (body) => (body === undefined ? undefined : errorInAnswer(body)),
  decodeError,
};
