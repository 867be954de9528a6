// Answers that come from us: JSON, and errors in the caller's dialect.

import { BrokeError, type ErrorKind, httpStatusOf, publicMessage } from "#src/core/errors.ts";
import type { InboundCodec } from "#src/wire/dialect.ts";
import { errorTypeOf, MAX_RETRY_AFTER_MS, type WireError } from "#src/wire/errors.ts";

/** A JSON answer. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

/**
 * `final`: asking again cannot help, and clients that would (Claude Code asks ten times after a 401) are told so. `exact`: how long to wait is known, and
 * said however long it is.
 */
export type Fault = WireError & { final?: boolean; exact?: boolean };

/** Told where nobody knows: Codex gives up at once on a 429 that does not say. */
const DEFAULT_RETRY_AFTER_MS = 5_000;

/** The fault with the wait that its client is told, wherever he is told it. */
export function toldFault(fault: Fault): Fault {
  const limited = fault.status === 429 && fault.type !== "billing";
  const wait = fault.retryAfterMs ?? (limited ? DEFAULT_RETRY_AFTER_MS : undefined);
  if (wait === undefined) return fault;
  const most = fault.exact === true ? Infinity : MAX_RETRY_AFTER_MS;
  // Headers say whole seconds, and bodies say what headers do; told to wait for none of them, Codex would ask again at once.
  const seconds = Math.max(limited ? 1 : 0, Math.ceil(Math.min(wait, most) / 1000));
  return { ...fault, retryAfterMs: seconds * 1000 };
}

/** An error in the caller's dialect, named by the request's id; `about` are further headers. */
export function errorReply(
  codec: InboundCodec,
  fault: Fault,
  requestId: string,
  about: Record<string, string> = {},
): Response {
  const headers: Record<string, string> = { ...about, "request-id": requestId, "x-broke-request-id": requestId };
  const told = toldFault(fault);
  if (told.retryAfterMs !== undefined) headers["retry-after"] = String(told.retryAfterMs / 1000);
  // Money does not come back while somebody asks again and again.
  if (told.final === true || told.type === "billing") headers["x-should-retry"] = "false";
  const { status, body } = codec.encodeError(told);
  return json(body, status, headers);
}

const FINAL: ReadonlySet<ErrorKind> = new Set(["usage", "config", "unauthorized", "denied"]);

/** What a caller is told of anything thrown; of a bug, nothing but that it was one. */
export function faultOf(error: unknown): Fault {
  const status = httpStatusOf(error);
  const hint = error instanceof BrokeError && error.hint !== undefined ? ` (${error.hint})` : "";
  const final = error instanceof BrokeError && FINAL.has(error.kind);
  return { status, type: errorTypeOf(status), message: `${publicMessage(error)}${hint}`, ...(final ? { final } : {}) };
}
