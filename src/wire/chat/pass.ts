// Watches a Chat answer that passes through untouched, for what it cost and how it ended. A client that did not ask for a stream's usage does
// not see the chunk that tells it: it was asked for by us.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import type { PassCodec, StreamWatch, Told } from "../dialect.ts";
import { type Cost, noCost } from "../flow.ts";
import { defaultQuirks } from "../quirks.ts";
import { isObject } from "../schema.ts";
import { readMember, spliceTopLevel } from "../splice.ts";
import { makeSseParser } from "../sse.ts";
import { decodeError, wireError } from "./errors.ts";
import { usageOf, wordsOf } from "./reading.ts";
import { chunk as chunkSchema, completion } from "./schema.ts";

type Chunk = v.InferOutput<typeof chunkSchema>;

const decoder = new TextDecoder();

function costOf(usage: NonNullable<Chunk["usage"]>): Cost {
  const { inputTokens: input, outputTokens: output, cacheReadTokens, cacheWriteTokens } = usageOf(usage);
  return { input, output, cacheRead: cacheReadTokens, cacheWrite: cacheWriteTokens };
}

function hasContent({ choices }: Chunk): boolean {
  return (choices ?? []).some(({ delta }) => {
    if (!delta) return false;
    const { thinking, text } = wordsOf(delta);
    return thinking !== "" || text !== "" || (delta.tool_calls ?? []).length > 0;
  });
}

/** Whether a frame says more than the next piece of an answer; nearly all do not, and are not read once content flows. */
function isTelling(frame: Buffer): boolean {
  if (frame.includes('"error"') || frame.includes("[DONE]") || frame.includes("event:")) return true;
  const usage = frame.indexOf('"usage"');
  if (usage >= 0 && !frame.subarray(usage, usage + 14).includes("null")) return true;
  const reason = frame.indexOf('"finish_reason"');
  return reason >= 0 && !frame.subarray(reason, reason + 22).includes("null");
}

function watch(usageIsOurs: boolean): StreamWatch {
  let cost = noCost;
  let live = false;
  let ended = false;
  const tell = (event: string, data: string): Told => {
    if (data.trim() === "[DONE]") return { kind: "end" };
    const body = parseJson(data);
    const parsed = v.safeParse(chunkSchema, body, { abortEarly: true });
    if (event === "error" || (isObject(body) && body["error"])) return { kind: "error", error: wireError(body) };
    if (!parsed.success) return { kind: "other" };
    const chunk = parsed.output;
    const usage = chunk.usage ?? chunk.choices?.[0]?.usage;
    if (usage) cost = costOf(usage);
    if (chunk.choices?.some((choice) => choice.finish_reason)) ended = true;
    if (usageIsOurs && usage && (chunk.choices ?? []).length === 0) return { kind: "ours" };
    if (!hasContent(chunk)) return { kind: "other" };
    live = true;
    return { kind: "content" };
  };
  return {
    frame(frame) {
      if (live && !isTelling(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength))) return { kind: "content" };
      const [event] = makeSseParser().push(frame);
      return event === undefined ? { kind: "other" } : tell(event.event, event.data);
    },
    cost: () => cost,
    mayEnd: () => ended,
  };
}

export const chatPass: PassCodec = {
  path: () => "/chat/completions",
  prepare(body, { model, stream, quirks }) {
    const options = stream ? readMember(body, "stream_options") : undefined;
    const given = isObject(options) ? options : {};
    const ours = stream && (quirks?.streamUsage ?? defaultQuirks.streamUsage) && given["include_usage"] !== true;
    const spliced = ours ? { stream_options: { ...given, include_usage: true } } : {};
    return { body: spliceTopLevel(body, { model, ...spliced }), watchStream: () => watch(ours) };
  },
  readWhole(body) {
    const answer = parseJson(decoder.decode(body));
    const parsed = v.safeParse(completion, answer);
    if (!parsed.success || !parsed.output.choices) {
      throw new BrokeError("upstream", "the provider's answer is not a completion");
    }
    return parsed.output.usage ? costOf(parsed.output.usage) : noCost;
  },
  errorInAnswer: (body) => (isObject(body) && body["error"] ? wireError(body) : undefined),
  decodeError,
};
