// A streamed answer in another dialect than the client's: events in, canonical events between, events out.

import type { Redactor } from "#src/core/text.ts";
import type { BlockKey, HubEvent } from "./canonical.ts";
import type { StreamDecoder, StreamEncoder } from "./dialect.ts";
import { redactError, upstreamFailure, type WireError } from "./errors.ts";
import { type Cost, type Flow, type FlowPhase, noCost } from "./flow.ts";
import { makeSseParser, type SseEvent } from "./sse.ts";

const toBytes = new TextEncoder();

/**
 * How much of one answer may be kept before its end, in characters, with what each of its blocks takes: several million tokens. Calls and thoughts are
 * kept by some dialects, words too by those that end with all of them once more; a provider that never ends must not fill the memory.
 */
const MOST_KEPT = 16 * 1024 * 1024;
const BLOCK_SIZE = 128;
const TOO_MUCH = `the provider's answer is longer than ${MOST_KEPT / 1024 / 1024} MiB`;

/** The flow for one answer. */
export function translateFlow(decoder: StreamDecoder, encoder: StreamEncoder, redact: Redactor): Flow {
  const parser = makeSseParser();
  let phase: FlowPhase = "held";
  let failure: WireError | undefined;
  let cost: Cost = noCost;
  let size = 0;
  const passes = decoder.keepsWords !== true && encoder.keepsWords !== true;
  /** Open blocks of words that nobody keeps. */
  const passing = new Set<BlockKey>();

  const tooMuch = (event: HubEvent): boolean => {
    if (event.kind === "blockStart") {
      size += BLOCK_SIZE;
      if (passes && event.head.kind === "text") passing.add(event.key);
    } else if (event.kind === "blockEnd") passing.delete(event.key);
    else if (event.kind === "delta" && !passing.has(event.key)) size += event.text.length;
    return size > MOST_KEPT;
  };
  const settle = (given: HubEvent): HubEvent => {
    const event: HubEvent = tooMuch(given) ? { kind: "error", error: upstreamFailure(TOO_MUCH) } : given;
    switch (event.kind) {
      case "usage": {
        const { inputTokens: input, outputTokens: output, cacheReadTokens, cacheWriteTokens } = event.usage;
        cost = { input, output, cacheRead: cacheReadTokens, cacheWrite: cacheWriteTokens };
        return event;
      }
      case "error":
        failure = redactError(event.error, redact);
        phase = "failed";
        return { kind: "error", error: failure };
      case "stop":
        phase = "done";
        return event;
      case "start":
        return event;
      default:
        phase = "live";
        return event;
    }
  };
  const encode = (events: readonly HubEvent[]): string => {
    let said = "";
    for (const event of events) said += encoder.push(settle(event));
    return said;
  };
  const decode = (events: readonly SseEvent[]): string => {
    let said = "";
    for (const event of events) said += encode(decoder.push(event));
    return said;
  };

  return {
    push: (piece) => toBytes.encode(decode(parser.push(piece))),
    end: () => toBytes.encode(decode(parser.end()) + encode(decoder.end())),
    fail(error) {
      failure = redactError(error, redact);
      phase = "failed";
      return toBytes.encode(encoder.fail(failure));
    },
    ping: () => toBytes.encode(encoder.ping()),
    phase: () => phase,
    failure: () => failure,
    cost: () => cost,
    losses: () => decoder.losses ?? [],
  };
}
