// How many tokens a request would cost: the provider's own count where it speaks the client's dialect, else an estimate whose method and error
// `src/wire/estimate.ts` states. Never 0.

import * as v from "valibot";
import type { Dialect } from "#src/core/dialects.ts";
import { BrokeError } from "#src/core/errors.ts";
import { type Json, parseJson } from "#src/core/json.ts";
import type { Backend } from "#src/routing/backends.ts";
import type { Attempt } from "#src/routing/candidates.ts";
import { inbound } from "#src/wire/codecs.ts";
import { estimateInputTokens } from "#src/wire/estimate.ts";
import { versionIn } from "#src/wire/messages/pass.ts";
import { isObject } from "#src/wire/schema.ts";
import { spliceTopLevel } from "#src/wire/splice.ts";
import { takeAllowance } from "./allowance.ts";
import { type Caller, liveCaller, sessionOf } from "./caller.ts";
import { openExchange } from "./exchange.ts";
import { type Door, type Incoming, readIncoming } from "./incoming.ts";
import type { GatewayDeps } from "./ports.ts";
import { refuse } from "./relay.ts";
import { errorReply, json } from "./reply.ts";
import { refusalFault, resolveNow } from "./resolution.ts";
import { callUpstream, requestHeaders, upstreamUrl } from "./upstream.ts";

const positive = v.pipe(v.number(), v.integer(), v.minValue(1));

/** How a dialect asks for a count, and says one. */
type Form = {
  call(backend: Backend, incoming: Incoming): { path: string; body: Uint8Array<ArrayBuffer> };
  read(answer: Json | undefined): number | undefined;
  say(tokens: number): Json;
  /** The request to be estimated. */
  request(body: Json): Json;
};

const forms: { [dialect in Dialect]?: Form } = {
  anthropic: {
    call: ({ model }, { body, query }) => ({
      path: `/messages/count_tokens${versionIn(query)}`,
      body: spliceTopLevel(body, { model }),
    }),
    read(answer) {
      const parsed = v.safeParse(v.object({ input_tokens: positive }), answer);
      return parsed.success ? parsed.output.input_tokens : undefined;
    },
    say: (tokens) => ({ input_tokens: tokens }),
    request: (body) => body,
  },
  gemini: {
    call({ model }, { body }) {
      const whole = parseJson(new TextDecoder().decode(body));
      const asked = isObject(whole) ? whole["generateContentRequest"] : undefined;
      const edits = isObject(asked) ? { generateContentRequest: { ...asked, model: `models/${model}` } } : {};
      return { path: `/models/${encodeURIComponent(model)}:countTokens`, body: spliceTopLevel(body, edits) };
    },
    read(answer) {
      const parsed = v.safeParse(v.object({ totalTokens: positive }), answer);
      return parsed.success ? parsed.output.totalTokens : undefined;
    },
    say: (tokens) => ({ totalTokens: tokens }),
    request: (body) =>
      isObject(body) && isObject(body["generateContentRequest"]) ? body["generateContentRequest"] : body,
  },
};

async function askProvider(
  { backend, keyName }: Attempt,
  form: Form,
  incoming: Incoming,
  deps: GatewayDeps,
  signal: AbortSignal,
): Promise<number | undefined> {
  const key = keyName === null ? undefined : deps.keys.get(keyName);
  const { path, body } = form.call(backend, incoming);
  const headers = requestHeaders(backend, key, incoming.headers);
  if (headers === undefined) return undefined;
  try {
    const answer = await callUpstream(upstreamUrl(backend, path), headers, body, signal);
    return form.read(answer.ok ? parseJson(await answer.text()) : undefined);
  } catch (error) {
    signal.throwIfAborted();
    // A count is no reason to hold anything against a provider; the estimate stands in.
    if (error instanceof BrokeError) throw error;
    return undefined;
  }
}

/** Serves a count. Never rejects. */
export async function countTokens(
  request: Request,
  deps: GatewayDeps,
  door: Door,
  caller: Caller = liveCaller,
): Promise<Response> {
  const exchange = openExchange(door.route, deps, caller);
  const form = forms[door.dialect]!;
  try {
    const incoming = await readIncoming(request, door, exchange.id);
    const asking = { ...caller, session: sessionOf(request.headers, caller) };
    const allowed = await takeAllowance(incoming, deps, asking, true);
    if (allowed.kind === "refused") {
      exchange.finish(allowed.fault.status);
      return errorReply(incoming.codec, allowed.fault, exchange.id);
    }
    if (allowed.kind === "held") exchange.hold(allowed.hold, 0);
    const { generation, resolution, nowMs } = resolveNow(incoming.model, deps, asking);
    exchange.serves(resolution.slot?.id ?? null);
    exchange.under(generation.id);
    if (resolution.kind === "refused") {
      const fault = refusalFault(resolution, nowMs);
      exchange.finish(fault.status);
      return errorReply(incoming.codec, fault, exchange.id);
    }
    for (const attempt of resolution.attempts) {
      if (attempt.backend.dialect !== door.dialect) continue;
      exchange.attempt();
      const counted = await askProvider(attempt, form, incoming, deps, request.signal);
      exchange.tried(attempt, counted === undefined ? 502 : 200, counted === undefined ? "no_count" : null);
      if (counted === undefined) continue;
      exchange.asked(attempt.backend.label);
      exchange.finish(200);
      return json(form.say(counted), 200, { "x-broke-count": "provider" });
    }
    const body = parseJson(new TextDecoder().decode(incoming.body)) ?? null;
    const { model, stream } = incoming;
    const { request: asked } = inbound[door.dialect].decodeRequest(form.request(body), { model, stream });
    exchange.finish(200);
    return json(form.say(estimateInputTokens(asked)), 200, { "x-broke-count": "estimate" });
  } catch (error) {
    return refuse(error, request, door, exchange);
  }
}
