// The contract of a dialect, in two halves so that only what is used exists: inbound is what clients speak to us, outbound is what we speak
// to providers. Pure translation: no I/O, no clock, no logging.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, CanonicalResponse, HubEvent } from "./canonical.ts";
import type { WireError } from "./errors.ts";
import type { Cost } from "./flow.ts";
import type { Loss } from "./losses.ts";
import type { Quirks } from "./quirks.ts";
import type { SseEvent } from "./sse.ts";

/** What an answer says about itself. `estimate`: input tokens to show until the provider has counted (bytes of the request / 4 will do). */
export type AnswerMeta = { id: string; model: string; estimate?: number };

/** Writes one streamed answer as SSE text. After `fail` or a last word every call returns "". */
export type StreamEncoder = {
  /** "" when there is nothing to send yet. */
  push(event: HubEvent): string;
  /** The dialect's error inside a stream, which is never a normal end. */
  fail(error: WireError): string;
  /** Something harmless that keeps an idle connection alive. */
  ping(): string;
};

/** Reads one streamed answer. Exactly one `stop` or `error` comes out, at the latest from `end`. */
export type StreamDecoder = {
  push(event: SseEvent): HubEvent[];
  /** At a clean end of the bytes; an `error` event when the answer had not ended. */
  end(): HubEvent[];
};

export type InboundCodec = {
  /** Throws `usage` naming the path, never the value. */
  decodeRequest(body: Json): { request: CanonicalRequest; losses: Loss[] };
  /** Throws `upstream` when the answer cannot be said in this dialect. */
  encodeResponse(response: CanonicalResponse, meta: AnswerMeta): Json;
  encodeStream(meta: AnswerMeta): StreamEncoder;
  encodeError(error: WireError): { status: number; body: Json };
};

/** `newId` names tool calls the provider left nameless; random unless given. */
export type Target = { model: string; stream: boolean; quirks?: Partial<Quirks>; newId?: () => string };

/** A request made ready, with the reading of its answer: renamed tools go back to the client's names there. */
export type OutboundCall = {
  body: Json;
  losses: Loss[];
  /** The error inside a whole answer with status 200, to be asked before `decodeResponse`: another backend may do better. */
  errorInAnswer(body: Json): WireError | undefined;
  /** Throws `upstream` when this is not a finished answer of this dialect. */
  decodeResponse(body: Json): CanonicalResponse;
  decodeStream(): StreamDecoder;
};

export type OutboundCodec = {
  /** Below the provider's base URL. */
  path(target: { model: string; stream: boolean }): string;
  encodeRequest(request: CanonicalRequest, target: Target): OutboundCall;
  /** An answer with an error status. `retryAfterMs` is for the caller to add: it is in the headers. */
  decodeError(status: number, bodyText: string): WireError;
};

/** What one event of a passing stream means: content a client may act on, the last word, an error, or neither. */
export type Told = { kind: "content" } | { kind: "end" } | { kind: "error"; error: WireError } | { kind: "other" };

/** Reads a passing answer from the side, in the dialect both ends speak. */
export type PassCodec = {
  /** Below the provider's base URL. */
  path(target: { model: string; stream: boolean }): string;
  /** `frame` takes one whole event with its blank line. */
  watchStream(): { frame(frame: Uint8Array): Told; cost(): Cost };
  /** Throws `upstream` when it is no whole answer of this dialect. */
  readWhole(body: Uint8Array): Cost;
  decodeError(status: number, bodyText: string): WireError;
};
