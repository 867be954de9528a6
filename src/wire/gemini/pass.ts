// Watches a Gemini answer that passes through untouched, for what it cost and how it ended. What it cannot read it does not know: it never
// changes or breaks an answer. On the way there the model is in the path alone.

import { BrokeError } from "#src/core/errors.ts";
import { type Json, parseJson } from "#src/core/json.ts";
import type { Asked, PassCodec, StreamWatch, Told } from "../dialect.ts";
import { type Cost, noCost } from "../flow.ts";
import { thinkingTaken } from "../losses.ts";
import { quirksOf } from "../quirks.ts";
import { readTopLevel, spliceTopLevel } from "../splice.ts";
import { makeSseParser } from "../sse.ts";
import { decodeError, errorInAnswer, errorOf } from "./errors.ts";
import { withoutForeignSignatures } from "./foreign-signatures.ts";
import { addUsage, blockedBy, candidateOf, costOf } from "./reading.ts";
import { answer as answerSchema, type WireAnswer, type WireUsage } from "./schema.ts";
import { fitting } from "../schema.ts";

const decoder = new TextDecoder();
const TELLING = ['"error"', '"finishReason"', '"promptFeedback"', "event:"];

/** A model's method. A stream is always asked for as events; its other form, one JSON array, is made here. */
export function pathOf({ model, stream }: Asked): string {
  const method = stream ? "streamGenerateContent?alt=sse" : "generateContent";
  return `/models/${encodeURIComponent(model.replace(/^models\//, ""))}:${method}`;
}

/** An event's data, or an error that Google writes between events without a word before it. */
function dataOf(frame: Uint8Array): { event: string; body: Json | undefined } {
  const [event] = makeSseParser().push(frame);
  if (event === undefined) return { event: "message", body: parseJson(decoder.decode(frame)) };
  return { event: event.event, body: parseJson(event.data) };
}

const hasContent = (answer: WireAnswer) => (candidateOf(answer)?.content?.parts ?? []).length > 0;

function watchStream(): StreamWatch {
  let counted: WireUsage | undefined;
  // Every chunk counts anew and the last one counts: it is read when somebody asks.
  let latest: Uint8Array | undefined;
  let live = false;
  let ended = false;

  const note = (answer: WireAnswer) => {
    latest = undefined;
    if (answer.usageMetadata) counted = addUsage(answer.usageMetadata, counted);
  };
  const tell = (frame: Uint8Array): Told => {
    const { event, body } = dataOf(frame);
    const error = event === "error" ? errorOf(body) : errorInAnswer(body);
    if (error !== undefined) return { kind: "error", error };
    const answer = fitting(answerSchema, body);
    if (answer === undefined) return { kind: "other" };
    note(answer);
    if (candidateOf(answer)?.finishReason || blockedBy(answer)) ended = true;
    if (!hasContent(answer)) return { kind: "other" };
    live = true;
    return { kind: "content" };
  };
  return {
    frame(frame) {
      const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
      if (!live || TELLING.some((sign) => bytes.includes(sign))) return tell(frame);
      if (bytes.includes('"usageMetadata"')) latest = frame;
      return { kind: "content" };
    },
    cost(): Cost {
      const last = latest === undefined ? undefined : fitting(answerSchema, dataOf(latest).body);
      if (last !== undefined) note(last);
      return counted === undefined ? noCost : costOf(counted);
    },
    mayEnd: () => ended,
  };
}

export const geminiPass: PassCodec = {
  // Nothing of the client's query goes on: `key` is a credential, `alt` and `fields` change what is watched.
  path: (target) => pathOf(target),
  prepare(body, { quirks }) {
    readTopLevel(body, ["contents"]);
    const contents = withoutForeignSignatures(body, quirksOf(quirks).reasoningEffort);
    // A server that reads a model in the body too must not find another one there.
    const changes = { model: undefined, ...(contents === undefined ? {} : { contents }) };
    return {
      body: spliceTopLevel(body, changes),
      losses: thinkingTaken("contents", contents !== undefined),
      watchStream,
    };
  },
  errorInAnswer,
  readWhole(answer) {
    const whole = fitting(answerSchema, answer);
    if (whole === undefined || (!whole.candidates && blockedBy(whole) === undefined)) {
      throw new BrokeError("upstream", "the provider's answer is not a response");
    }
    const { usageMetadata } = whole;
    return usageMetadata ? costOf(usageMetadata) : noCost;
  },
  decodeError,
};
