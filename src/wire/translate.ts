// A streamed answer in another dialect than the client's: events in, canonical events between, events out.

import type { Redactor } from "#src/core/text.ts";
import type { HubEvent } from "./canonical.ts";
import type { StreamDecoder, StreamEncoder } from "./dialect.ts";
import { redactError, type WireError } from "./errors.ts";
import { type Cost, type Flow, type FlowPhase, noCost } from "./flow.ts";
import { makeSseParser, type SseEvent } from "./sse.ts";

const toBytes = new TextEncoder();

/** The flow for one answer. */
export function translateFlow(decoder: StreamDecoder, encoder: StreamEncoder, redact: Redactor): Flow {
  const parser = makeSseParser();
  let phase: FlowPhase = "held";
  let failure: WireError | undefined;
  let cost: Cost = noCost;

  const settle = (event: HubEvent): HubEvent => {
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
  };
}
