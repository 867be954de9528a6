// One model request, from the client's bytes to the provider's and back: resolve, then walk the resolver's list. Before the provider has
// answered with success another attempt may follow; after that never.
// Does not stop: a provider from answering nonsense with status 200.

import { newRequestId } from "#src/core/ids.ts";
import { parseJson } from "#src/core/json.ts";
import { clip } from "#src/core/text.ts";
import { type Attempt, resolve } from "#src/routing/resolve.ts";
import { readTopLevel } from "#src/wire/splice.ts";
import type { GatewayDeps, RequestReport } from "./ports.ts";
import { anthropicError, type ReplyError, replyErrorOf } from "./reply.ts";
import { passThrough } from "./respond.ts";
import { type Prepared, prepareAttempt } from "./attempt.ts";
import { callUpstream } from "./upstream.ts";

const MAX_ERROR_BYTES = 64 * 1024;
/** Statuses after which another key or backend may do better; anything else is the request's own fault and goes to the client. */
const TRY_NEXT = new Set([401, 402, 408, 429, 500, 502, 503, 504, 529]);

type Failure = ReplyError & { retry: boolean };

async function errorOf(response: Response, deps: GatewayDeps): Promise<Failure> {
  const text = clip(await response.text(), MAX_ERROR_BYTES).text;
  const body = parseJson(text) as { error?: { message?: unknown }; message?: unknown } | undefined;
  const said = body?.error?.message ?? body?.message;
  const message = deps.redact(typeof said === "string" ? said : `the provider answered ${response.status}`);
  const refused = response.status >= 300 && response.status < 400;
  return {
    status: refused ? 502 : response.status,
    message: refused ? "the provider answered with a redirect" : message,
    retryAfter: response.headers.get("retry-after"),
    // A wrong key does not become right by asking again; Claude Code would ask ten times.
    ...(response.status === 401 ? { shouldRetry: false } : {}),
    retry: TRY_NEXT.has(response.status),
  };
}

type Outcome = { kind: "answer"; response: Response; attempt: Attempt } | { kind: "failure"; error: ReplyError };

async function walk(
  attempts: Attempt[],
  prepare: (attempt: Attempt) => Prepared,
  deps: GatewayDeps,
  signal: AbortSignal,
  count: () => void,
): Promise<Outcome> {
  let last: ReplyError = { status: 502, message: "no provider could be reached" };
  for (const attempt of attempts) {
    count();
    const prepared = prepare(attempt);
    let response: Response;
    try {
      response = await callUpstream(prepared.url, prepared.headers, prepared.body, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      last = { status: 502, message: `${attempt.backend.label} could not be reached` };
      continue;
    }
    if (response.ok) return { kind: "answer", response, attempt };
    const failure = await errorOf(response, deps);
    last = failure;
    if (!failure.retry) break;
  }
  return { kind: "failure", error: last };
}

/** Serves POST /v1/messages (and, with `suffix`, /v1/messages/count_tokens). */
export async function relayMessages(
  request: Request,
  deps: GatewayDeps,
  suffix: "" | "/count_tokens",
): Promise<Response> {
  const started = performance.now();
  const id = newRequestId();
  const url = new URL(request.url);
  const report: RequestReport = {
    id,
    slot: null,
    backend: null,
    path: `/v1/messages${suffix}`,
    status: 0,
    attempts: 0,
    inputTokens: null,
    outputTokens: null,
    ms: 0,
    aborted: false,
  };
  let reported = false;
  const finish = (change: Partial<RequestReport>) => {
    if (reported) return;
    reported = true;
    deps.onReport({ ...report, ...change, ms: performance.now() - started });
  };
  const refuse = (error: ReplyError) => {
    finish({ status: error.status });
    return anthropicError(error, id);
  };
  try {
    const body = new Uint8Array(await request.arrayBuffer());
    const { model } = readTopLevel(body, ["model"]);
    if (typeof model !== "string") return refuse({ status: 400, message: "model must be a string" });
    const generation = deps.generations.current();
    const resolution = resolve({ requested: model, generation, keyNames: deps.keys.names() });
    report.slot = resolution.slot?.id ?? null;
    if (resolution.kind === "refused") {
      const status = resolution.reason === "unknown_model" ? 404 : 400;
      return refuse({ status, message: `${resolution.message}: ${resolution.hint}`, shouldRetry: false });
    }
    const input = { body, suffix, query: url.search, headers: request.headers };
    const outcome = await walk(
      resolution.attempts,
      (attempt) => prepareAttempt(attempt, input, deps.keys),
      deps,
      request.signal,
      () => (report.attempts += 1),
    );
    if (outcome.kind === "failure") return refuse(outcome.error);
    report.backend = outcome.attempt.backend.label;
    const headers = {
      "x-broke-request-id": id,
      "x-broke-slot": resolution.slot.id,
      "x-broke-backend": encodeURI(report.backend),
      "x-broke-attempts": String(report.attempts),
      "x-broke-generation": String(generation.id),
    };
    return passThrough({ response: outcome.response, headers, finish });
  } catch (error) {
    if (request.signal.aborted) {
      finish({ status: 499, aborted: true });
      return new Response(null, { status: 499 });
    }
    return refuse(replyErrorOf(error));
  }
}
