// Walks the resolver's attempts until one answers. Nothing has reached the client before the commit point, the first content of a stream or
// a whole answer: until then the next attempt may follow, after it never.
// Does not stop: a provider from answering nonsense that is well-formed.

import { BrokeError } from "#src/core/errors.ts";
import type { Clock } from "#src/core/clock.ts";
import { clip, type Redactor } from "#src/core/text.ts";
import type { Attempt } from "#src/routing/resolve.ts";
import { upstreamFailure, type WireError } from "#src/wire/errors.ts";
import type { Cost, Flow } from "#src/wire/flow.ts";
import type { Prepared } from "./attempt.ts";
import type { Fault } from "./reply.ts";
import { callUpstream, retryAfterMs } from "./upstream.ts";

const MAX_ERROR_BYTES = 64 * 1024;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
/** Statuses after which another key or backend may do better; anything else is the request's own fault and goes to the client. */
const TRY_NEXT = new Set([401, 402, 408, 429, 500, 502, 503, 504, 529]);

export type Reader = Pick<ReadableStreamDefaultReader<Uint8Array>, "read" | "cancel">;

/** `held` are the bytes that became ready while the flow was held back. */
export type Answer =
  | { kind: "whole"; body: Uint8Array<ArrayBuffer>; cost: Cost }
  | { kind: "stream"; flow: Flow; held: Uint8Array[]; reader: Reader; ended: boolean };

export type Outcome =
  | { kind: "answer"; answer: Answer; attempt: Attempt; prepared: Prepared; head: Response }
  | { kind: "fault"; fault: Fault };

export type Walk = {
  attempts: readonly Attempt[];
  prepare(attempt: Attempt): Prepared;
  stream: boolean;
  signal: AbortSignal;
  redact: Redactor;
  clock: Clock;
  onAttempt(): void;
};

/** An attempt that gave nothing; `next`: another may do better. */
class Failed extends Error {
  readonly fault: Fault;
  readonly next: boolean;

  constructor(fault: Fault, next: boolean) {
    super(fault.message);
    this.fault = fault;
    this.next = next;
  }
}

async function readLimited(response: Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > limit) throw new BrokeError("upstream", "the provider's answer is too large");
    pieces.push(piece);
  }
  return new Uint8Array(Buffer.concat(pieces));
}

async function failureOf(response: Response, prepared: Prepared, walk: Walk): Promise<Failed> {
  const { status, headers } = response;
  if (status >= 300 && status < 400) {
    await response.body?.cancel();
    return new Failed(upstreamFailure("the provider answered with a redirect"), true);
  }
  const body = await readLimited(response, MAX_ERROR_BYTES).catch(() => new Uint8Array());
  const error = prepared.decodeError(status, clip(new TextDecoder().decode(body), MAX_ERROR_BYTES).text);
  const wait = retryAfterMs(headers, walk.clock());
  const final = status === 401 || headers.get("x-should-retry") === "false";
  const fault: Fault = {
    ...error,
    message: walk.redact(error.message),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    ...(final ? { final } : {}),
  };
  return new Failed(fault, TRY_NEXT.has(status));
}

async function readToCommit(response: Response, flow: Flow): Promise<Answer> {
  const reader: Reader = (
    response.body ?? new ReadableStream<Uint8Array>({ start: (body) => body.close() })
  ).getReader();
  const held: Uint8Array[] = [];
  let ended = false;
  try {
    while (flow.phase() === "held" && !ended) {
      const { done, value } = await reader.read();
      const ready = done ? flow.end() : flow.push(value);
      if (ready.length > 0) held.push(ready);
      ended = done;
    }
  } catch (error) {
    void reader.cancel().catch(() => undefined);
    throw error;
  }
  const failure = flow.failure();
  if (failure === undefined) return { kind: "stream", flow, held, reader, ended };
  void reader.cancel().catch(() => undefined);
  throw new Failed(failure, TRY_NEXT.has(failure.status));
}

async function tryOnce(prepared: Prepared, walk: Walk): Promise<{ answer: Answer; head: Response }> {
  const head = await callUpstream(prepared.url, prepared.headers, prepared.body, walk.signal);
  if (!head.ok) throw await failureOf(head, prepared, walk);
  const type = head.headers.get("content-type") ?? "";
  if (walk.stream && !type.startsWith("application/json")) {
    return { answer: await readToCommit(head, prepared.flow()), head };
  }
  const whole = prepared.readWhole(await readLimited(head, MAX_ANSWER_BYTES));
  if (whole.kind === "error") {
    throw new Failed({ ...whole.error, message: walk.redact(whole.error.message) }, TRY_NEXT.has(whole.error.status));
  }
  if (walk.stream) throw new BrokeError("upstream", "the provider did not stream its answer");
  return { answer: { kind: "whole", body: whole.body, cost: whole.cost }, head };
}

function failedBy(error: unknown, attempt: Attempt): Failed {
  if (error instanceof Failed) return error;
  if (error instanceof BrokeError && error.kind === "upstream") {
    return new Failed(upstreamFailure(`${attempt.backend.label}: ${error.message}`), true);
  }
  // What is left comes from the network, in the runtime's words, which name addresses.
  const wire: WireError = upstreamFailure(`${attempt.backend.label} could not be reached, or broke off`);
  return new Failed(wire, true);
}

/** The first answer, or the last attempt's fault. Throws what preparing throws, and the abort when the client is gone. */
export async function walkAttempts(walk: Walk): Promise<Outcome> {
  let fault: Fault = upstreamFailure("no provider could be asked");
  for (const attempt of walk.attempts) {
    const prepared = walk.prepare(attempt);
    walk.onAttempt();
    try {
      const { answer, head } = await tryOnce(prepared, walk);
      return { kind: "answer", answer, attempt, prepared, head };
    } catch (error) {
      walk.signal.throwIfAborted();
      const failed = failedBy(error, attempt);
      fault = failed.fault;
      if (!failed.next) break;
    }
  }
  return { kind: "fault", fault };
}
