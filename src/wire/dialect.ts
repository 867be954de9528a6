// The contract of a dialect, in two halves so that only what is used exists: inbound is what clients speak to us, outbound is what we speak
// to providers. Pure translation: no I/O, no clock, no logging.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, CanonicalResponse, HubEvent } from "./canonical.ts";
import type { WireError } from "./errors.ts";
import type { Cost } from "./flow.ts";
import type { Loss } from "./losses.ts";
import type { Quirks } from "./quirks.ts";
import type { SseEvent } from "./sse.ts";

/** What a request is about, wherever its dialect says it: in the body, or in the URL. */
export type Asked = { model: string; stream: boolean };

/**
 * What an answer says about itself. `estimate`: input tokens to show until the provider has counted (bytes of the request / 4 will do);
 * `request`: what was asked, when the answer is translated.
 */
export type AnswerMeta = {
  id: string;
  model: string;
  createdMs: number;
  estimate?: number;
  request?: CanonicalRequest;
};

/** `keepsWords`: the words of an answer are kept until its end, and not only what cannot be told before. */
type Keeping = { readonly keepsWords?: true };

/** Writes one streamed answer as SSE text. After `fail` or a last word every call returns "". */
export type StreamEncoder = Keeping & {
  /** "" when there is nothing to send yet. */
  push(event: HubEvent): string;
  /** The dialect's error inside a stream, which is never a normal end. `passed`: events of others before it, where events have numbers. */
  fail(error: WireError, passed?: number): string;
  /** Something harmless that keeps an idle connection alive. */
  ping(): string;
};

/** Reads one streamed answer. Exactly one `stop` or `error` comes out, at the latest from `end`. */
export type StreamDecoder = Keeping & {
  /** Kinds of content that no event told, as they were seen until now; absent where the reader knows none. */
  readonly losses?: readonly Loss[];
  push(event: SseEvent): HubEvent[];
  /** At a clean end of the bytes; an `error` event when the answer had not ended. */
  end(): HubEvent[];
};

export type InboundCodec = {
  /** Reads what every request needs from its bytes, without building them; `named` is what the URL says. Throws `usage`. */
  readHead(body: Uint8Array, named: Asked | undefined): Asked;
  /** Throws `usage` naming the path, never the value. */
  decodeRequest(body: Json, asked: Asked): { request: CanonicalRequest; losses: Loss[] };
  /** Throws `upstream` when the answer cannot be said in this dialect. */
  encodeResponse(response: CanonicalResponse, meta: AnswerMeta): Json;
  encodeStream(meta: AnswerMeta): StreamEncoder;
  encodeError(error: WireError): { status: number; body: Json };
};

/**
 * The backend a request is encoded for. `scope` names it for what it mints (see `seal.ts`); `newId` names tool calls the provider left
 * nameless, at random unless given.
 */
export type Target = Asked & { scope: string; quirks?: Partial<Quirks>; newId?: () => string };

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
  path(target: Asked): string;
  encodeRequest(request: CanonicalRequest, target: Target): OutboundCall;
  /** An answer with an error status. `retryAfterMs` is for the caller to add: it is in the headers. */
  decodeError(status: number, bodyText: string): WireError;
};

/** What one event of a passing stream means: content a client may act on, the last word, an error, something not meant for the client, or none of these. */
export type Told =
  { kind: "content" } | { kind: "end" } | { kind: "error"; error: WireError } | { kind: "ours" } | { kind: "other" };

/**
 * `frame` takes one whole event with its blank line. `mayEnd`: whether the bytes may end here although no last word came, for dialects without
 * one; absent means never.
 */
export type StreamWatch = { frame(frame: Uint8Array): Told; cost(): Cost; mayEnd?(): boolean };

/** The client's bytes with the spans of this backend spliced in, what was taken out of them that a model would have read, and how its stream is read. */
export type PassCall = { body: Uint8Array<ArrayBuffer>; losses: readonly Loss[]; watchStream(): StreamWatch };

/** Reads a passing answer from the side, in the dialect both ends speak. */
export type PassCodec = {
  /** Below the provider's base URL, with what of the client's query (`?a=b` or "") belongs there. */
  path(target: Asked, query: string): string;
  /** Throws `usage` when the body cannot be spliced. */
  prepare(body: Uint8Array, target: Target): PassCall;
  /** The error inside a whole answer with status 200, to be asked before `readWhole`; absent where the dialect has none. */
  errorInAnswer?(answer: Json | undefined): WireError | undefined;
  /** Throws `upstream` when it is no whole answer of this dialect. */
  readWhole(answer: Json | undefined): Cost;
  decodeError(status: number, bodyText: string): WireError;
};
