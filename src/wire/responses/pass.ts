// Watches a Responses answer that passes through untouched, for what it cost and how it ended. What it cannot read it does not know: it never
// changes or breaks an answer. On the way there only the model changes, and what Codex tells about the machine is taken out.

import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import { decodeOwnError } from "../chat/errors.ts";
import type { PassCodec, StreamWatch, Told } from "../dialect.ts";
import { type Cost, noCost } from "../flow.ts";
import { fitting, isObject } from "../schema.ts";
import { thinkingTaken } from "../losses.ts";
import { spliceTopLevel } from "../splice.ts";
import { makeSseParser } from "../sse.ts";
import { withoutForeignReasoning } from "./foreign-reasoning.ts";
import { costOf, errorInAnswer, failureOf } from "./reading.ts";
import { response as responseSchema } from "./schema.ts";

const decoder = new TextDecoder();
const MAX_TYPE_LENGTH = 80;
const HEAD = /^(?:event: ?|data: ?\{"type": ?")(response\.[a-z_.]+)(?=["\r\n])/;

/** An event's type where its first bytes tell: deltas are nearly all there is, and are not read. */
function typeAtOnce(frame: Uint8Array): string | undefined {
  return HEAD.exec(decoder.decode(frame.subarray(0, MAX_TYPE_LENGTH)))?.[1];
}

const isContent = (type: string) => type.endsWith(".delta") || type.startsWith("response.output_item.");
const isLast = (type: string) => /^(?:response\.(?:completed|incomplete|failed|cancelled)|error)$/.test(type);

function costIn(response: unknown): Cost | undefined {
  const read = fitting(responseSchema, response);
  return read?.usage ? costOf(read.usage) : undefined;
}

function watchStream(): StreamWatch {
  let cost = noCost;
  const tell = (name: string, data: string): Told => {
    const body = parseJson(data);
    const members = isObject(body) ? body : {};
    const type = typeof members["type"] === "string" ? members["type"] : name;
    const { response } = members;
    cost = costIn(response) ?? cost;
    if (name === "error" || type === "error") return { kind: "error", error: failureOf(body) };
    if (type === "response.failed" || type === "response.cancelled") {
      return { kind: "error", error: failureOf(response) };
    }
    if (members["error"] && !type.startsWith("response.")) return { kind: "error", error: failureOf(body) };
    if (isLast(type)) return { kind: "end" };
    return { kind: isContent(type) ? "content" : "other" };
  };
  return {
    frame(frame) {
      const type = typeAtOnce(frame);
      if (type !== undefined && !isLast(type)) return { kind: isContent(type) ? "content" : "other" };
      const [event] = makeSseParser().push(frame);
      return event === undefined ? { kind: "other" } : tell(event.event, event.data);
    },
    cost: () => cost,
  };
}

export const responsesPass: PassCodec = {
  path: () => "/responses",
  prepare(body, { model }) {
    const input = withoutForeignReasoning(body);
    const edits = { model, client_metadata: undefined, ...(input === undefined ? {} : { input }) };
    const losses = thinkingTaken("input", input !== undefined);
    return { body: spliceTopLevel(body, edits), losses, watchStream };
  },
  errorInAnswer,
  readWhole(answer) {
    const failed = errorInAnswer(answer);
    if (failed !== undefined) throw new BrokeError("upstream", failed.message);
    if (!isObject(answer) || !Array.isArray(answer["output"])) {
      throw new BrokeError("upstream", "the provider's answer is not a response");
    }
    return costIn(answer) ?? noCost;
  },
  decodeError: decodeOwnError,
};
