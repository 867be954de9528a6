// Walks the resolver's attempts until one answers. Nothing has reached the client before the commit point, the first content of a stream or
// a whole answer: until then the next attempt may follow, after it never.
// Does not stop: a provider from answering nonsense that is well-formed.

import { BrokeError } from "#src/core/errors.ts";
import type { Clock } from "#src/core/clock.ts";
import type { Redactor } from "#src/core/text.ts";
import { type Failure, type HealthReason, isPerRequest } from "#src/routing/health.ts";
import type { Attempt } from "#src/routing/candidates.ts";
import { errorTypeOf, redactError, upstreamFailure, type WireError } from "#src/wire/errors.ts";
import { answeredModel } from "#src/wire/answered.ts";
import type { Cost, Flow } from "#src/wire/flow.ts";
import type { Loss } from "#src/wire/losses.ts";
import { readTextUpTo, readWholeBody } from "./answer-body.ts";
import type { Prepared } from "./attempt.ts";
import type { Departure } from "./departure.ts";
import type { Fault } from "./reply.ts";
import { saidNothing, SilenceWatch } from "./silence.ts";
import { callUpstream, retryAfterMs, UNSENDABLE } from "./upstream.ts";

/** Its words are wanted, and of a list of what is wrong they may be far behind; but nobody needs more. */
const MAX_ERROR_BYTES = 1024 * 1024;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

/** `held` are the bytes that became ready while the flow was held back; `model` is what the provider says it is. */
export type Answer = { model: string | null } & (
  | { kind: "whole"; body: Uint8Array<ArrayBuffer> | string; cost: Cost; losses: readonly Loss[] }
  | { kind: "stream"; flow: Flow; held: Uint8Array[]; reader: Reader; ended: boolean; silence: SilenceWatch }
);

export type Outcome =
  | { kind: "answer"; answer: Answer; attempt: Attempt; prepared: Prepared; head: Response }
  | { kind: "fault"; fault: Fault; attempt: Attempt | undefined };

export type Walk = {
  attempts: readonly Attempt[];
  /** A provider that failed is not asked once more. */
  once: boolean;
  prepare(attempt: Attempt): Prepared;
  stream: boolean;
  departure: Departure;
  redact: Redactor;
  clock: Clock;
  /** How long a provider may say nothing, in ms. */
  silenceMs: number;
  /** The least wait before a provider is asked once more, in ms; twice that at most. */
  backoffMs: number;
  onAttempt(): void;
  /** It gave nothing, and why. */
  tried(attempt: Attempt, status: number, reason: string): void;
  /** Before an attempt is made, but for the first one `before` it; false where it must not be. */
  begun(attempt: Attempt, before: Attempt | undefined): boolean;
  failed(attempt: Attempt, failure: Failure): void;
  /** It does not take this member of the request. */
  unfit(attempt: Attempt, member: string): void;
  worked(attempt: Attempt): void;
  /** It ended, and says nothing about who was asked. */
  released(attempt: Attempt): void;
};

/** `reason`: what it is held against, where status and type do not tell. */
type Failing = Fault & { reason?: HealthReason };

/** An attempt that gave nothing. */
class Failed extends Error {
  readonly fault: Failing;

  constructor(fault: Failing) {
    super(fault.message);
    this.fault = fault;
  }
}

/** What a failure means for the attempts that are left. */
type Lesson =
  { kind: "final" } | { kind: "next key" } | { kind: "again, then next backend" } | { kind: "next backend" };

/**
 * A key's limit, refusal or empty account leaves the others; a provider's own failure may pass within a moment; a silent one was waited for
 * long enough. Anything else is the request's own fault.
 */
function lessonOf({ status, type, reason }: Failing): Lesson {
  // Another model may take what this one does not: a longer text, what its filter holds, a setting.
  if (reason !== undefined && isPerRequest(reason)) return { kind: "next backend" };
  if (status === 429 || status === 401 || status === 402) return { kind: "next key" };
  if (status === 504 && type === "timeout") return { kind: "next backend" };
  if (status >= 500 || status === 408) return { kind: "again, then next backend" };
  return { kind: "final" };
}

function failureOf({ status, type, reason, retryAfterMs: wait }: Failing): Failure | undefined {
  const said = wait === undefined ? {} : { retryAfterMs: wait };
  if (reason !== undefined && isPerRequest(reason)) return { reason };
  if (status === 402 || (status === 429 && type === "billing")) return { reason: "quota_exhausted" };
  if (status === 429) return { reason: "rate_limit", ...said };
  if (status === 401) return { reason: "auth_failure" };
  if (reason !== undefined) return { reason };
  return status >= 500 || status === 408 ? { reason: "upstream_error" } : undefined;
}

/** What a refusal says of the request itself; undefined where it says nothing that another model could help. */
function requestReason({ status, type, message, refuses }: WireError): HealthReason | undefined {
  if ((status === 402 || status === 429) && TOO_MUCH.test(message)) return "context_length";
  if (status !== 400 && status !== 413 && status !== 422) return undefined;
  if (type === "context_window") return "context_length";
  if (/content[ _](filter|management|policy)|safety (system|filter)|moderation/i.test(message))
    return "content_filtered";
  return refuses !== undefined || UNSUPPORTED.test(message) ? "unsupported_parameter" : undefined;
}
/** OpenRouter's and OpenAI's words for one request beyond what is left, or beyond a whole minute's limit: a smaller one would be answered. */
const TOO_MUCH = /can only afford [1-9]|^request too large/i;
const UNSUPPORTED =
  /unsupported[ _](parameter|value)|(parameter|property) ['"`][^'"`]{1,64}['"`] is (not supported|unsupported)|does not support/i;

async function refusal(response: Response, prepared: Prepared, walk: Walk, silence: SilenceWatch): Promise<Failed> {
  const { headers } = response;
  // One that there is not cannot be passed on.
  const status = response.status < 600 ? response.status : 502;
  if (status >= 300 && status < 400) {
    await response.body?.cancel();
    return new Failed(upstreamFailure("the provider answered with a redirect"));
  }
  const error = prepared.decodeError(status, await readTextUpTo(response, MAX_ERROR_BYTES, silence));
  const wait = retryAfterMs(headers, walk.clock()) ?? error.retryAfterMs;
  const final = status === 401 || headers.get("x-should-retry") === "false";
  const about = requestReason(error);
  return new Failed({
    ...redactError(error, walk.redact),
    ...(about === undefined ? {} : { reason: about }),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    ...(final ? { final } : {}),
  });
}

async function readToCommit(response: Response, prepared: Prepared, silence: SilenceWatch): Promise<Answer> {
  const flow = prepared.flow();
  let model: string | null = null;
  const reader: Reader = (
    response.body ?? new ReadableStream<Uint8Array>({ start: (body) => body.close() })
  ).getReader();
  const held: Uint8Array[] = [];
  let ended = false;
  try {
    while (flow.phase() === "held" && !ended) {
      const { done, value } = await reader.read();
      silence.heard();
      if (!done) model ??= answeredModel(prepared.dialect, value);
      const ready = done ? flow.end() : flow.push(value);
      if (ready.length > 0) held.push(ready);
      ended = done;
    }
  } catch (error) {
    void reader.cancel().catch(() => undefined);
    throw error;
  }
  const failure = flow.failure();
  if (failure === undefined) return { kind: "stream", model, flow, held, reader, ended, silence };
  void reader.cancel().catch(() => undefined);
  throw new Failed(failure);
}

type Given = { answer: Answer; head: Response };

async function ask(prepared: Prepared, walk: Walk, signal: AbortSignal, silence: SilenceWatch): Promise<Given> {
  if (prepared.headers === undefined) throw new Failed({ status: 401, type: errorTypeOf(401), message: UNSENDABLE });
  const head = await callUpstream(prepared.url, prepared.headers, prepared.body, signal);
  silence.heard();
  const { headers } = head;
  if (!head.ok) throw await refusal(head, prepared, walk, silence);
  const type = headers.get("content-type") ?? "";
  if (walk.stream && !type.startsWith("application/json")) {
    return { answer: await readToCommit(head, prepared, silence), head };
  }
  const whole = prepared.readWhole(await readWholeBody(head, MAX_ANSWER_BYTES, silence));
  if (whole.kind === "error") throw new Failed(redactError(whole.error, walk.redact));
  if (walk.stream) throw new BrokeError("upstream", "the provider did not stream its answer");
  const { model, body, cost, losses } = whole;
  return { answer: { kind: "whole", model, body, cost, losses }, head };
}

/** One call, ended by the client's going and by the provider's silence. */
async function tryOnce(prepared: Prepared, walk: Walk): Promise<Given> {
  const call = new AbortController();
  walk.departure.ends(call);
  const silence = new SilenceWatch(walk.silenceMs, call);
  try {
    const given = await ask(prepared, walk, call.signal, silence);
    // A stream goes on under both.
    if (given.answer.kind !== "stream") silence.stop();
    return given;
  } catch (error) {
    silence.stop();
    if (!silence.silent) throw error;
    throw new Failed({ ...saidNothing(walk.silenceMs), reason: "timeout" });
  }
}

function faultOf(error: unknown, attempt: Attempt): Failing {
  if (error instanceof Failed) return error.fault;
  if (error instanceof BrokeError && error.kind === "upstream") {
    return upstreamFailure(`${attempt.backend.label}: ${error.message}`);
  }
  // What is left comes from the network, in the runtime's words, which name addresses.
  return { ...upstreamFailure(`${attempt.backend.label} could not be reached, or broke off`), reason: "unreachable" };
}

/** The first answer, or the last attempt's fault. Throws what preparing throws, and `Departed` when the client is gone. */
export async function walkAttempts(walk: Walk): Promise<Outcome> {
  let fault: Failing | undefined;
  let last: Attempt | undefined;
  let leastWaitMs = Infinity;
  let onlyLimits = true;
  const given: string[] = [];
  for (const attempt of walk.attempts) {
    if (given.includes(attempt.backend.label)) continue;
    if (!walk.begun(attempt, last)) {
      last ??= attempt;
      continue;
    }
    last = attempt;
    let settled = false;
    try {
      const prepared = walk.prepare(attempt);
      for (let round = 0; ; round++) {
        walk.onAttempt();
        try {
          const { answer, head } = await tryOnce(prepared, walk);
          walk.worked(attempt);
          settled = true;
          return { kind: "answer", answer, attempt, prepared, head };
        } catch (error) {
          walk.departure.check();
          fault = faultOf(error, attempt);
          const reason = failureOf(fault)?.reason;
          walk.tried(attempt, fault.status, reason ?? fault.type);
          onlyLimits &&= reason === "rate_limit";
          leastWaitMs = Math.min(leastWaitMs, fault.retryAfterMs ?? Infinity);
        }
        const lesson = lessonOf(fault);
        if (lesson.kind === "final") return { kind: "fault", fault, attempt };
        if (lesson.kind === "again, then next backend" && round === 0 && fault.final !== true && !walk.once) {
          await walk.departure.pause(walk.backoffMs * (1 + Math.random()));
          continue;
        }
        if (fault.refuses !== undefined) walk.unfit(attempt, fault.refuses);
        const failure = failureOf(fault);
        if (failure !== undefined && !isPerRequest(failure.reason)) {
          walk.failed(attempt, failure);
          settled = true;
        }
        if (lesson.kind !== "next key") given.push(attempt.backend.label);
        break;
      }
    } finally {
      if (!settled) walk.released(attempt);
    }
  }
  if (fault === undefined)
    return { kind: "fault", fault: upstreamFailure("no provider could be asked"), attempt: last };
  // Where all were over a limit, the first of them to be free again will answer.
  const wait = onlyLimits && leastWaitMs < Infinity ? { retryAfterMs: leastWaitMs } : {};
  return { kind: "fault", fault: { ...fault, ...wait }, attempt: last };
}
