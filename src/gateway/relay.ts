// One model request, from the client's bytes to the provider's and back: read, resolve, walk the attempts, answer in the client's dialect.

import { BrokeError } from "#src/core/errors.ts";
import type { Attempt } from "#src/routing/candidates.ts";
import { inbound } from "#src/wire/codecs.ts";
import { takeAllowance } from "./allowance.ts";
import { arrayBody } from "./array-reply.ts";
import { MAX_BODY_BYTES, TooLarge, WrongType } from "./body.ts";
import { Departure } from "./departure.ts";
import { RequestWalk } from "./request-walk.ts";
import { type Exchange, GONE, lossesOfAnswer, openExchange } from "./exchange.ts";
import { type Door, asksOf, type Incoming, readIncoming } from "./incoming.ts";
import { type Late, lateBody } from "./late-reply.ts";
import type { GatewayDeps } from "./ports.ts";
import { errorReply, type Fault, faultOf } from "./reply.ts";
import { type Caller, liveCaller, sessionOf } from "./caller.ts";
import { mayPass } from "#src/routing/passing.ts";
import { refusalFault, resolveSoon } from "./resolution.ts";
import { streamBody } from "./stream-reply.ts";
import { estimateTokens } from "#src/wire/estimate.ts";
import { usageOf } from "./usage.ts";
import { type Outcome, walkAttempts } from "./walk.ts";

const MAX_LOSSES_HEADER = 1024;

function lossesHeader(losses: readonly string[]): string {
  return losses
    .join("; ")
    .replace(/[^\x20-\x7e]/g, "?")
    .slice(0, MAX_LOSSES_HEADER);
}

type Answered = Extract<Outcome, { kind: "answer" }>;
type ReplyHeaders = Record<string, string>;
type Context = {
  door: Door;
  incoming: Incoming;
  exchange: Exchange;
  /** What the answer's headers say of the request. */
  about: ReplyHeaders;
  pingMs: number;
  abandon: () => void;
};

/** Notes who was asked last, in the headers too. */
function noteAsked({ attempt }: { attempt: Attempt | undefined }, { exchange, about }: Context): void {
  if (attempt === undefined) return;
  const { label } = attempt.backend;
  exchange.asked(label);
  about["x-broke-backend"] = encodeURI(label);
  about["x-broke-attempts"] = String(exchange.attempts());
}

/** Notes who answered and what was lost, in the headers too. */
function noteAnswer(outcome: Answered, context: Context): void {
  noteAsked(outcome, context);
  context.exchange.first(outcome.attempt, outcome.answer.model);
  const { answer, prepared } = outcome;
  const said = answer.kind === "whole" ? answer.losses : answer.flow.losses();
  if (prepared.losses.length === 0 && said.length === 0) return;
  const losses = [...new Set([...prepared.losses.map((loss) => loss.what), ...lossesOfAnswer(said)])];
  context.exchange.lost(losses);
  context.about["x-broke-losses"] = lossesHeader(losses);
}

function streamReply(body: ReadableStream<Uint8Array>, about: ReplyHeaders, { door }: Context): Response {
  const array = door.array === true;
  const headers = {
    ...about,
    "content-type": array ? "application/json; charset=utf-8" : "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  };
  return new Response(array ? arrayBody(body) : body, { status: 200, headers });
}

function answerReply(outcome: Answered, context: Context): Response {
  const { answer, prepared, head } = outcome;
  const { exchange, about: headers } = context;
  noteAnswer(outcome, context);
  prepared.addHeaders(head.headers, headers);
  headers["request-id"] ??= exchange.id;
  if (answer.kind === "stream")
    return streamReply(streamBody(answer, { ...context, price: outcome.attempt.backend.price }), headers, context);
  headers["content-type"] = "application/json";
  exchange.saw(estimateTokens(answer.body.length));
  exchange.finish(200, usageOf(answer.cost, outcome.attempt.backend.price));
  return new Response(answer.body, { status: 200, headers });
}

/** A stream's headers before its answer: who will answer is not known yet. */
function lateReply(walking: Promise<Outcome>, context: Context): Response {
  const { incoming, exchange, abandon, about, pingMs } = context;
  const { id, model, createdMs } = incoming;
  const coming = walking.then(
    (outcome): Late => {
      if (outcome.kind === "fault") {
        noteAsked(outcome, context);
        exchange.finish(outcome.fault.status);
        return { kind: "fault", fault: outcome.fault };
      }
      noteAnswer(outcome, context);
      if (outcome.answer.kind !== "stream") throw new Error("a stream was asked for");
      return { kind: "body", body: streamBody(outcome.answer, { ...context, price: outcome.attempt.backend.price }) };
    },
    (error: unknown): Late => {
      const fault = faultOf(error);
      exchange.finish(fault.status);
      return { kind: "fault", fault };
    },
  );
  const onGone = () => {
    exchange.finish(GONE);
    abandon();
  };
  const headers = { ...about, "request-id": exchange.id };
  const encoder = incoming.codec.encodeStream({ id, model, createdMs });
  return streamReply(lateBody(coming, { encoder, pingMs, abandon: onGone }), headers, context);
}

/** Ends a request that got no answer. */
export function refuse(error: unknown, request: Request, door: Door, exchange: Exchange): Response {
  if (request.signal.aborted) {
    exchange.finish(GONE);
    return new Response(null, { status: GONE });
  }
  const tooLarge = error instanceof TooLarge;
  const early = tooLarge || error instanceof WrongType;
  const fault: Fault = tooLarge
    ? { status: 413, type: "too_large", message: `the body is larger than ${MAX_BODY_BYTES} bytes`, final: true }
    : { ...faultOf(error), ...(early ? { status: 415 } : {}) };
  exchange.finish(fault.status);
  const reply = errorReply(inbound[door.dialect], fault, exchange.id);
  // What the body still holds was not read.
  if (early) reply.headers.set("connection", "close");
  return reply;
}

/** Serves one model request. Never rejects: every failure is an answer. */
export async function relay(
  request: Request,
  deps: GatewayDeps,
  door: Door,
  caller: Caller = liveCaller,
): Promise<Response> {
  const exchange = openExchange(door.route, deps, caller);
  const departure = new Departure();
  const abandon = () => departure.leave();
  request.signal.addEventListener("abort", abandon);
  try {
    if (deps.admit !== undefined) {
      const place = deps.admit();
      if (place === undefined)
        throw new BrokeError("denied", "the run's budget is spent: it may ask no model any more");
      exchange.takes(place);
    }
    const passes = mayPass(deps.generations.current(), caller.profile, door.dialect);
    const incoming = await readIncoming(request, door, exchange.id, passes);
    const fail = (fault: Fault, about: ReplyHeaders = {}) => {
      exchange.finish(fault.status);
      return errorReply(incoming.codec, fault, exchange.id, about);
    };
    const { profile, token, run } = caller;
    const asking: Caller = { profile, token, run, session: sessionOf(request.headers, caller) };
    const taking = takeAllowance(incoming, deps, asking);
    const allowed = taking instanceof Promise ? await taking : taking;
    if (allowed.kind === "refused") return fail(allowed.fault);
    if (allowed.kind === "held") exchange.hold(allowed.hold, allowed.unpricedUsd);
    const asks = asksOf(incoming);
    const soon = resolveSoon(incoming.model, deps, departure, asking, asks);
    const resolved = soon instanceof Promise ? await soon : soon;
    const { resolution } = resolved;
    exchange.serves(resolution.slot?.id ?? null);
    exchange.under(resolved.generation.id);
    if (resolution.kind === "refused") return fail(refusalFault(resolution, resolved.nowMs));
    const { timing } = deps;
    const about = {
      "x-broke-request-id": exchange.id,
      "x-broke-slot": resolution.slot.id,
      "x-broke-generation": String(resolved.generation.id),
    };
    const context: Context = { door, incoming, exchange, about, pingMs: timing.pingMs, abandon };
    const walk = new RequestWalk({ deps, incoming, exchange, departure, caller: asking, asks, resolved, resolution });
    const walking = walkAttempts(walk);
    if (incoming.stream) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<undefined>(
        (resolve) => (timer = setTimeout(() => resolve(undefined), timing.headersAfterMs)),
      );
      const first = await Promise.race([walking, late]);
      clearTimeout(timer);
      if (first === undefined) return lateReply(walking, context);
    }
    const outcome = await walking;
    if (outcome.kind === "answer") return answerReply(outcome, context);
    noteAsked(outcome, context);
    return fail(outcome.fault, about);
  } catch (error) {
    return refuse(error, request, door, exchange);
  }
}
