// Watches a Chat answer that passes through untouched, for what it cost and how it ended. A client that did not ask for a stream's usage does
// not see the chunk that tells it: it was asked for by us.

import { BrokeError } from "#src/core/errors.ts";
import { type Json, parseJson } from "#src/core/json.ts";
import type { PassCodec, StreamWatch, Told } from "../dialect.ts";
import { upstreamFailure, type WireError } from "../errors.ts";
import { type Cost, CUT, noCost } from "../flow.ts";
import { thinkingTaken } from "../losses.ts";
import { quirksOf } from "../quirks.ts";
import { fitting, isObject } from "../schema.ts";
import { readMember, readTopLevel, spliceTopLevel } from "../splice.ts";
import { makeSseParser } from "../sse.ts";
import { decodeOwnError, ownError } from "./errors.ts";
import { withoutForeignDetails } from "./foreign-details.ts";
import { GAVE_UP, isFailure, usageOf } from "./reading.ts";
import { chunk as chunkSchema, completion, type WireUsage } from "./schema.ts";

const REASON = '"finish_reason"';

function costOf(usage: WireUsage): Cost {
  const { inputTokens: input, outputTokens: output, cacheReadTokens, cacheWriteTokens } = usageOf(usage);
  return { input, output, cacheRead: cacheReadTokens, cacheWrite: cacheWriteTokens };
}

/** Anything but who speaks: what nobody knows yet is of an answer too. */
function hasContent(choice: Json): boolean {
  const delta = isObject(choice) && isObject(choice["delta"]) ? choice["delta"] : {};
  return Object.entries(delta).some(
    ([key, value]) => key !== "role" && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0),
  );
}

function hasReason(frame: Buffer): boolean {
  for (let at = frame.indexOf(REASON); at >= 0; at = frame.indexOf(REASON, at + REASON.length)) {
    if (!frame.subarray(at, at + REASON.length + 6).includes("null")) return true;
  }
  return false;
}

/** Whether a frame says more than the next piece of an answer; nearly all do not, and are not read once content flows. */
function isTelling(frame: Buffer): boolean {
  if (frame.includes('"error"') || frame.includes("[DONE]") || frame.includes("event:")) return true;
  const usage = frame.indexOf('"usage"');
  return (usage >= 0 && !frame.subarray(usage, usage + 14).includes("null")) || hasReason(frame);
}

/** `answers`: how many were asked for; `usageIsOurs`: the client did not ask what the stream cost. */
function watch(answers: number, usageIsOurs: boolean): StreamWatch {
  let cost = noCost;
  let live = false;
  const ended = new Set<number>();
  const failed = (error: WireError): Told => ({ kind: "error", error });
  const tell = (event: string, data: string): Told => {
    // Nothing but the end is no answer.
    if (data.trim() === "[DONE]") return live || ended.size > 0 ? { kind: "end" } : failed(upstreamFailure(CUT));
    const body = parseJson(data);
    if (event === "error" || (isObject(body) && body["error"])) return failed(ownError(body));
    const chunk = fitting(chunkSchema, body);
    if (chunk === undefined) return { kind: "other" };
    const { usage, choices } = chunk;
    const told = usage ?? choices?.[0]?.usage;
    if (told) cost = costOf(told);
    for (const { finish_reason: reason, index } of choices ?? []) {
      if (reason && isFailure(reason)) return failed(upstreamFailure(GAVE_UP));
      if (reason) ended.add(index ?? 0);
    }
    if (usageIsOurs && usage && (choices ?? []).length === 0) return { kind: "ours" };
    const given = isObject(body) && Array.isArray(body["choices"]) ? body["choices"] : [];
    if (!given.some(hasContent)) return { kind: "other" };
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
    mayEnd: () => ended.size >= answers,
  };
}

export const chatPass: PassCodec = {
  path: () => "/chat/completions",
  prepare(body, { model, stream, quirks }) {
    const options = stream ? readMember(body, "stream_options") : undefined;
    const given = isObject(options) ? options : {};
    const ours = stream && quirksOf(quirks).streamUsage && given["include_usage"] !== true;
    const spliced = ours ? { stream_options: { ...given, include_usage: true } } : {};
    const { n } = readTopLevel(body, ["n"]);
    const messages = withoutForeignDetails(body, quirksOf(quirks).reasoningContent);
    const cleaned = messages === undefined ? {} : { messages };
    const answers = typeof n === "number" ? Math.max(1, n) : 1;
    return {
      body: spliceTopLevel(body, { model, ...spliced, ...cleaned }),
      losses: thinkingTaken("messages", messages !== undefined),
      watchStream: () => watch(answers, ours),
    };
  },
  readWhole(answer) {
    const whole = fitting(completion, answer);
    if (!whole?.choices) {
      throw new BrokeError("upstream", "the provider's answer is not a completion");
    }
    return whole.usage ? costOf(whole.usage) : noCost;
  },
  errorInAnswer: (body) => (isObject(body) && body["error"] ? ownError(body) : undefined),
  decodeError: decodeOwnError,
};
