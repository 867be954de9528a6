// How many tokens a request would cost: the provider's own count where it speaks the client's dialect, else an estimate whose method and error
// `src/wire/estimate.ts` states. Never 0.

import * as v from "valibot";
import { parseJson } from "#src/core/json.ts";
import { resolve } from "#src/routing/resolve.ts";
import { estimateInputTokens } from "#src/wire/estimate.ts";
import { tokenCount } from "#src/wire/messages/answer-schema.ts";
import { spliceTopLevel } from "#src/wire/splice.ts";
import { openExchange } from "./exchange.ts";
import type { GatewayDeps } from "./ports.ts";
import { readIncoming, refusalFault, refuse } from "./relay.ts";
import { errorReply, json } from "./reply.ts";
import { callUpstream, requestHeaders, upstreamUrl } from "./upstream.ts";

/** Serves POST /v1/messages/count_tokens. */
export async function countTokens(request: Request, deps: GatewayDeps): Promise<Response> {
  const exchange = openExchange("/v1/messages/count_tokens", deps.onReport);
  try {
    const incoming = await readIncoming(request, "anthropic", exchange.id);
    const generation = deps.generations.current();
    const resolution = resolve({ requested: incoming.model, generation, keyNames: deps.keys.names() });
    exchange.note({ slot: resolution.slot?.id ?? null });
    if (resolution.kind === "refused") {
      const fault = refusalFault(resolution);
      exchange.finish({ status: fault.status });
      return errorReply(incoming.codec, fault, exchange.id);
    }
    for (const { backend, keyName } of resolution.attempts) {
      if (backend.dialect !== "anthropic") continue;
      exchange.attempt();
      const key = keyName === null ? undefined : deps.keys.get(keyName);
      const url = upstreamUrl(backend, "/messages/count_tokens", incoming.query);
      const headers = requestHeaders(backend, key, incoming.headers);
      const body = spliceTopLevel(incoming.body, { model: backend.model });
      const answer = await callUpstream(url, headers, body, request.signal).catch(() => undefined);
      const counted = v.safeParse(tokenCount, answer?.ok ? parseJson(await answer.text()) : undefined);
      if (!counted.success) continue;
      exchange.finish({ status: 200, backend: backend.label });
      return json({ input_tokens: counted.output.input_tokens }, 200, { "x-broke-count": "provider" });
    }
    const tokens = estimateInputTokens(incoming.canonical().request);
    exchange.finish({ status: 200 });
    return json({ input_tokens: tokens }, 200, { "x-broke-count": "estimate" });
  } catch (error) {
    return refuse(error, request, "anthropic", exchange);
  }
}
