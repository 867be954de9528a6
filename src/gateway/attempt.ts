// One attempt made ready: the bytes for this backend, and how its answer is read. Same dialect at both ends: the client's own bytes with the
// backend's spans spliced in, and the answer passes. Otherwise both are translated.

import type { Dialect } from "#src/core/dialects.ts";
import type { Json } from "#src/core/json.ts";
import { parseJson } from "#src/core/json.ts";
import { BrokeError } from "#src/core/errors.ts";
import type { Redactor } from "#src/core/text.ts";
import type { Attempt } from "#src/routing/candidates.ts";
import type { Keys } from "#src/state/keys.ts";
import { modelOfAnswer } from "#src/wire/answered.ts";
import { outbound, passing } from "#src/wire/codecs.ts";
import type { PassCodec, Target } from "#src/wire/dialect.ts";
import type { WireError } from "#src/wire/errors.ts";
import type { Cost, Flow } from "#src/wire/flow.ts";
import type { Loss } from "#src/wire/losses.ts";
import { withoutOtherModels } from "#src/wire/other-models.ts";
import { passFlow } from "#src/wire/pass.ts";
import { scopeOf } from "#src/wire/seal.ts";
import { translateFlow } from "#src/wire/translate.ts";
import type { Incoming } from "./incoming.ts";
import { addResponseHeaders, requestHeaders, upstreamUrl } from "./upstream.ts";

/** `model`: what the provider says it is; `losses`: what of its answer was not carried. */
export type Whole =
  | {
      kind: "answer";
      body: Uint8Array<ArrayBuffer> | string;
      cost: Cost;
      model: string | null;
      losses: readonly Loss[];
    }
  | { kind: "error"; error: WireError };

export type Prepared = {
  /** The backend's. */
  dialect: Dialect;
  url: string;
  /** Undefined where the key cannot be sent. */
  headers: Headers | undefined;
  body: Uint8Array<ArrayBuffer> | string;
  losses: Loss[];
  /** Adds the provider's headers that the client may see: none where they are not its dialect's. */
  addHeaders(provider: Headers, to: Record<string, string>): void;
  flow(): Flow;
  /** Throws `upstream` when it is no answer. */
  readWhole(body: Uint8Array<ArrayBuffer>): Whole;
  decodeError(status: number, text: string): WireError;
};

const decoder = new TextDecoder();

function parseAnswer(body: Uint8Array): Json {
  const answer = parseJson(decoder.decode(body));
  if (answer === undefined) throw new BrokeError("upstream", "the provider's answer is not JSON");
  return answer;
}

type Context = { attempt: Attempt; incoming: Incoming; target: Target; key: string | undefined; redact: Redactor };

function preparePass({ attempt: { backend }, incoming, target, key, redact }: Context, codec: PassCodec): Prepared {
  const { id, model, createdMs } = incoming;
  const own = withoutOtherModels(incoming.body);
  const { body, losses, watchStream } = codec.prepare(own.body, target);
  return {
    dialect: backend.dialect,
    url: upstreamUrl(backend, codec.path(target, incoming.query)),
    headers: requestHeaders(backend, key, incoming.headers),
    body,
    losses: losses.length === 0 ? own.losses : [...own.losses, ...losses],
    addHeaders: (provider, to) => addResponseHeaders(provider, key, to),
    flow: () => passFlow(watchStream(), incoming.codec.encodeStream({ id, model, createdMs }), redact),
    readWhole(bytes) {
      const answer = parseJson(decoder.decode(bytes));
      const error = codec.errorInAnswer?.(answer);
      if (error !== undefined) return { kind: "error", error };
      const model = modelOfAnswer(backend.dialect, answer);
      return { kind: "answer", body: bytes, cost: codec.readWhole(answer), model, losses: [] };
    },
    decodeError: codec.decodeError,
  };
}

function prepareTranslation({ attempt: { backend }, incoming, target, key, redact }: Context): Prepared {
  const codec = outbound[backend.dialect];
  const { request, losses } = incoming.canonical();
  const call = codec.encodeRequest(request, target);
  // As text: the runtime makes bytes of it faster than we could.
  const body = JSON.stringify(call.body);
  const { id, model, createdMs } = incoming;
  const meta = { id, model, createdMs, request, estimate: Math.ceil(body.length / 4) };
  return {
    dialect: backend.dialect,
    url: upstreamUrl(backend, codec.path(target)),
    headers: requestHeaders(backend, key, incoming.headers),
    body,
    losses: [...losses, ...call.losses],
    addHeaders: () => undefined,
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
      const model = modelOfAnswer(backend.dialect, answer);
      const body = JSON.stringify(incoming.codec.encodeResponse(response, meta));
      return { kind: "answer", body, cost, model, losses: response.losses ?? [] };
    },
    decodeError: codec.decodeError,
  };
}

/** Prepares the call. Throws `usage` when the request cannot be carried, or not whole and `lossless` forbids less. */
export function prepareAttempt(
  attempt: Attempt,
  incoming: Incoming,
  { keys, redact, lossless }: { keys: Keys; redact: Redactor; lossless: boolean },
): Prepared {
  const { backend, keyName } = attempt;
  const key = keyName === null ? undefined : keys.get(keyName);
  if (key !== undefined) redact.add(key);
  let scope: string | undefined;
  const target: Target = {
    model: backend.model,
    stream: incoming.stream,
    // What passes never asks for it.
    get scope() {
      return (scope ??= scopeOf([backend.baseUrl, backend.model, keyName]));
    },
    quirks: backend.quirks,
  };
  const context = { attempt, incoming, target, key, redact };
  const passes = backend.dialect === incoming.dialect;
  const prepared = passes ? preparePass(context, passing[backend.dialect]) : prepareTranslation(context);
  if (lossless && prepared.losses.length > 0) {
    const what = prepared.losses.map((loss) => `${loss.what} at ${loss.path} (${loss.why})`).join("; ");
    throw new BrokeError("usage", `${backend.label} cannot carry the whole request: ${what}`);
  }
  return prepared;
}
