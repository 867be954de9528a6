// One model request, from the client's bytes to the provider's and back: read, resolve, walk the attempts, answer in the client's dialect.

import type { Dialect } from "#src/core/dialects.ts";
import { errorTypeOf } from "#src/wire/errors.ts";
import { type Resolution, resolve } from "#src/routing/resolve.ts";
import { readTopLevel } from "#src/wire/splice.ts";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import { codecOf, type Incoming, prepareAttempt } from "./attempt.ts";
import { MAX_BODY_BYTES, readBody, TooLarge } from "./body.ts";
import { type Exchange, openExchange } from "./exchange.ts";
import type { GatewayDeps } from "./ports.ts";
import { errorReply, type Fault, faultOf } from "./reply.ts";
import { streamBody } from "./stream-reply.ts";
import { responseHeaders } from "./upstream.ts";
import { type Outcome, walkAttempts } from "./walk.ts";

const MAX_LOSSES_HEADER = 1024;

/** Reads and checks the request. Throws `usage`. */
export async function readIncoming(request: Request, dialect: Dialect, id: string): Promise<Incoming> {
  const codec = codecOf(dialect);
  const body = await readBody(request);
  const { model, stream } = readTopLevel(body, ["model", "stream"]);
  if (typeof model !== "string") throw new BrokeError("usage", "model must be a string");
  if (stream !== undefined && typeof stream !== "boolean") throw new BrokeError("usage", "stream must be a boolean");
  let decoded: ReturnType<Incoming["canonical"]> | undefined;
  return {
    dialect,
    codec,
    id,
    model,
    stream: stream === true,
    body,
    query: new URL(request.url).search,
    headers: request.headers,
    canonical() {
      const json = parseJson(new TextDecoder().decode(body));
      if (json === undefined) throw new BrokeError("usage", "the body is not well-formed JSON");
      return (decoded ??= codec.decodeRequest(json));
    },
  };
}

/** Why the resolver offers nothing, as an error of HTTP. */
export function refusalFault(resolution: Extract<Resolution, { kind: "refused" }>): Fault {
  const status = resolution.reason === "unknown_model" ? 404 : 400;
  const message = `${resolution.message}: ${resolution.hint}`;
  return { status, type: errorTypeOf(status), message, final: true };
}

function lossesHeader(losses: readonly string[]): string {
  return losses
    .join("; ")
    .replace(/[^\x20-\x7e]/g, "?")
    .slice(0, MAX_LOSSES_HEADER);
}

function answerReply(
  outcome: Extract<Outcome, { kind: "answer" }>,
  exchange: Exchange,
  about: Record<string, string>,
  abandon: () => void,
): Response {
  const { answer, prepared, head } = outcome;
  const headers = prepared.passes ? responseHeaders(head.headers) : new Headers();
  for (const [name, value] of Object.entries(about)) headers.set(name, value);
  if (!headers.has("request-id")) headers.set("request-id", exchange.id);
  if (answer.kind === "stream") {
    headers.set("content-type", "text/event-stream; charset=utf-8");
    headers.set("cache-control", "no-cache");
    return new Response(streamBody(answer, exchange, abandon), { status: 200, headers });
  }
  headers.set("content-type", "application/json");
  const { input, output } = answer.cost;
  exchange.finish({ status: 200, inputTokens: input, outputTokens: output });
  return new Response(answer.body, { status: 200, headers });
}

/** Ends a request that got no answer. */
export function refuse(error: unknown, request: Request, dialect: Dialect, exchange: Exchange): Response {
  if (request.signal.aborted) {
    exchange.finish({ status: 499, aborted: true });
    return new Response(null, { status: 499 });
  }
  const known = error instanceof TooLarge;
  const fault: Fault = known
    ? { status: 413, type: "too_large", message: `the body is larger than ${MAX_BODY_BYTES} bytes`, final: true }
    : faultOf(error);
  exchange.finish({ status: fault.status });
  const reply = errorReply(codecOf(dialect), fault, exchange.id);
  if (known) reply.headers.set("connection", "close");
  return reply;
}

/** Serves one model request of a dialect. Never rejects: every failure is an answer. */
export async function relay(request: Request, deps: GatewayDeps, dialect: Dialect, path: string): Promise<Response> {
  const exchange = openExchange(path, deps.onReport);
  const abort = new AbortController();
  const onGone = () => abort.abort();
  request.signal.addEventListener("abort", onGone);
  try {
    const incoming = await readIncoming(request, dialect, exchange.id);
    const generation = deps.generations.current();
    const resolution = resolve({ requested: incoming.model, generation, keyNames: deps.keys.names() });
    exchange.note({ slot: resolution.slot?.id ?? null });
    const fail = (fault: Fault) => {
      exchange.finish({ status: fault.status });
      return errorReply(incoming.codec, fault, exchange.id);
    };
    if (resolution.kind === "refused") return fail(refusalFault(resolution));
    let attempts = 0;
    const outcome = await walkAttempts({
      attempts: resolution.attempts,
      prepare: (attempt) => prepareAttempt(attempt, incoming, deps.keys, deps.redact),
      stream: incoming.stream,
      signal: abort.signal,
      redact: deps.redact,
      clock: deps.clock,
      onAttempt: () => (attempts = exchange.attempt()),
    });
    if (outcome.kind === "fault") return fail(outcome.fault);
    const losses = [...new Set(outcome.prepared.losses.map((loss) => loss.what))];
    exchange.note({ backend: outcome.attempt.backend.label, losses });
    const about: Record<string, string> = {
      "x-broke-request-id": exchange.id,
      "x-broke-slot": resolution.slot.id,
      "x-broke-backend": encodeURI(outcome.attempt.backend.label),
      "x-broke-attempts": String(attempts),
      "x-broke-generation": String(generation.id),
      ...(losses.length === 0 ? {} : { "x-broke-losses": lossesHeader(losses) }),
    };
    return answerReply(outcome, exchange, about, onGone);
  } catch (error) {
    return refuse(error, request, dialect, exchange);
  }
}
