// One attempt made ready: the bytes for this backend, and how its answer is read. Same dialect at both ends: the client's own bytes with the
// model spliced in, and the answer passes. Otherwise both are translated.

import type { Json } from "#src/core/json.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { BrokeError } from "#src/core/errors.ts";
import type { Redactor } from "#src/core/text.ts";
import type { Attempt } from "#src/routing/resolve.ts";
import type { KeyRing } from "#src/state/secrets.ts";
import type { CanonicalRequest } from "#src/wire/canonical.ts";
import { inbound, outbound, passing } from "#src/wire/codecs.ts";
import type { InboundCodec, PassCodec } from "#src/wire/dialect.ts";
import type { WireError } from "#src/wire/errors.ts";
import type { Cost, Flow } from "#src/wire/flow.ts";
import type { Loss } from "#src/wire/losses.ts";
import { passFlow } from "#src/wire/pass.ts";
import { spliceTopLevel } from "#src/wire/splice.ts";
import { translateFlow } from "#src/wire/translate.ts";
import { requestHeaders, upstreamUrl } from "./upstream.ts";

/** A model request as it came in. */
export type Incoming = {
  dialect: Dialect;
  codec: InboundCodec;
  id: string;
  /** The model name the client asked for: what it reads in its answer. */
  model: string;
  stream: boolean;
  body: Uint8Array<ArrayBuffer>;
  query: string;
  headers: Headers;
  /** The body in canonical form, decoded once and only if a backend needs it. Throws `usage`. */
  canonical(): { request: CanonicalRequest; losses: Loss[] };
};

export type Whole = { kind: "answer"; body: Uint8Array<ArrayBuffer>; cost: Cost } | { kind: "error"; error: WireError };

export type Prepared = {
  url: string;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
  losses: Loss[];
  /** Whether the provider's headers are the client's dialect too. */
  passes: boolean;
  flow(): Flow;
  /** Throws `upstream` when it is no answer. */
  readWhole(body: Uint8Array<ArrayBuffer>): Whole;
  decodeError(status: number, text: string): WireError;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const encode = (body: Json) => encoder.encode(JSON.stringify(body));

function parseAnswer(body: Uint8Array): Json {
  try {
    return JSON.parse(decoder.decode(body)) as Json;
  } catch {
    throw new BrokeError("upstream", "the provider's answer is not JSON");
  }
}

type Context = { attempt: Attempt; incoming: Incoming; key: string | undefined; redact: Redactor };

function preparePass({ attempt: { backend }, incoming, key, redact }: Context, codec: PassCodec): Prepared {
  const meta = { id: incoming.id, model: incoming.model };
  return {
    url: upstreamUrl(backend, codec.path({ model: backend.model, stream: incoming.stream }), incoming.query),
    headers: requestHeaders(backend, key, incoming.headers),
    body: spliceTopLevel(incoming.body, { model: backend.model }),
    losses: [],
    passes: true,
    flow: () => passFlow(codec, incoming.codec.encodeStream(meta), redact),
    readWhole: (body) => ({ kind: "answer", body, cost: codec.readWhole(body) }),
    decodeError: codec.decodeError,
  };
}

function prepareTranslation({ attempt: { backend }, incoming, key, redact }: Context): Prepared {
  const codec = outbound[backend.dialect];
  if (codec === undefined) {
    throw new BrokeError("config", `the dialect of ${backend.label} (${backend.dialect}) cannot be translated to yet`);
  }
  const { request, losses } = incoming.canonical();
  const target = { model: backend.model, stream: incoming.stream };
  const call = codec.encodeRequest(request, target);
  const body = encode(call.body);
  const meta = { id: incoming.id, model: incoming.model, estimate: Math.ceil(body.length / 4) };
  return {
    url: upstreamUrl(backend, codec.path(target), ""),
    headers: requestHeaders(backend, key, incoming.headers),
    body,
    losses: [...losses, ...call.losses],
    passes: false,
    flow: () => translateFlow(call.decodeStream(), incoming.codec.encodeStream(meta), redact),
    readWhole(bytes) {
      const answer = parseAnswer(bytes);
      const error = call.errorInAnswer(answer);
      if (error !== undefined) return { kind: "error", error };
      const response = call.decodeResponse(answer);
      const cost: Cost = {
        input: response.usage?.inputTokens ?? null,
        output: response.usage?.outputTokens ?? null,
        cacheRead: response.usage?.cacheReadTokens ?? null,
        cacheWrite: response.usage?.cacheWriteTokens ?? null,
      };
      return { kind: "answer", body: encode(incoming.codec.encodeResponse(response, meta)), cost };
    },
    decodeError: codec.decodeError,
  };
}

/** Prepares the call. Throws `usage` when the request cannot be carried, `config` when the dialect cannot be spoken. */
export function prepareAttempt(attempt: Attempt, incoming: Incoming, keys: KeyRing, redact: Redactor): Prepared {
  const key = attempt.keyName === null ? undefined : keys.get(attempt.keyName);
  if (key !== undefined) redact.add(key);
  const context = { attempt, incoming, key, redact };
  const pass = attempt.backend.dialect === incoming.dialect ? passing[incoming.dialect] : undefined;
  return pass === undefined ? prepareTranslation(context) : preparePass(context, pass);
}

/** The codec of what clients speak. Throws `usage` when it is not served. */
export function codecOf(dialect: Dialect): InboundCodec {
  const codec = inbound[dialect];
  if (codec === undefined) throw new BrokeError("usage", "this dialect is not served");
  return codec;
}
