// A failed model call, free of any dialect. It may hold a provider's words: whoever shows it redacts it first.

import type { Redactor } from "#src/core/text.ts";

export type WireErrorType =
  | "invalid_request"
  | "context_window"
  | "authentication"
  | "billing"
  | "permission"
  | "not_found"
  | "too_large"
  | "rate_limit"
  | "overloaded"
  | "timeout"
  | "server";

/**
 * `refuses`: the member of the request that this model does not take, where the provider names it apart from its words. `own`: what else it names, in words
 * that only clients of its dialect know.
 */
export type WireError = {
  status: number;
  type: WireErrorType;
  message: string;
  retryAfterMs?: number;
  refuses?: string;
  own?: { code?: string; param?: string };
};

const byStatus: Record<number, WireErrorType> = {
  401: "authentication",
  402: "billing",
  403: "permission",
  404: "not_found",
  408: "timeout",
  413: "too_large",
  429: "rate_limit",
  503: "overloaded",
  504: "timeout",
  529: "overloaded",
};

/** The kind of failure an HTTP status stands for. */
export function errorTypeOf(status: number): WireErrorType {
  return byStatus[status] ?? (status >= 500 ? "server" : "invalid_request");
}

/** The provider broke the protocol or the connection: 502. */
export function upstreamFailure(message: string): WireError {
  return { status: 502, type: "server", message };
}

/** The longest wait a client is told: Codex sleeps as long as it is told, two hours if need be, and what is longer than this is better asked again. */
export const MAX_RETRY_AFTER_MS = 60_000;

/** The same without secrets in what the provider said. */
export function redactError<Failure extends WireError>(error: Failure, redact: Redactor): Failure {
  const message = redact(error.message);
  if (error.own === undefined) return { ...error, message };
  const own = Object.fromEntries(Object.entries(error.own).map(([name, said]) => [name, redact(said)]));
  return { ...error, message, own };
}
