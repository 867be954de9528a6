// Answers that come from us: errors in the caller's dialect, JSON, and the headers every answer carries.

import { BrokeError, httpStatusOf, publicMessage } from "#src/core/errors.ts";

/** Anthropic's `error.type` for a status (its API reference, "Errors"). */
function errorType(status: number): string {
  switch (status) {
    case 400:
      return "invalid_request_error";
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 529:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

export type ReplyError = { status: number; message: string; retryAfter?: string | null; shouldRetry?: boolean };

/** A JSON answer. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

/** An error as Anthropic's clients expect it. */
export function anthropicError(error: ReplyError, requestId: string): Response {
  const headers: Record<string, string> = { "request-id": requestId };
  if (error.retryAfter) headers["retry-after"] = error.retryAfter;
  if (error.shouldRetry === false) headers["x-should-retry"] = "false";
  const body = {
    type: "error",
    error: { type: errorType(error.status), message: error.message },
    request_id: requestId,
  };
  return json(body, error.status, headers);
}

/** Status and words for anything thrown; of a bug, nothing but that it was one. */
export function replyErrorOf(error: unknown): ReplyError {
  const hint = error instanceof BrokeError && error.hint !== undefined ? ` (${error.hint})` : "";
  return { status: httpStatusOf(error), message: `${publicMessage(error)}${hint}` };
}
