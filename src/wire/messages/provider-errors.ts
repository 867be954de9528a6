// Anthropic's errors → ours ("Errors" in its API reference). What a provider says must be redacted before it is shown.
// Does not stop: a provider from putting a secret into its message.

import type { Json } from "#src/core/json.ts";
import { errorTypeOf, type WireError, type WireErrorType } from "../errors.ts";
import { errorBodyIn, findError, unexplained, wordsIn } from "../provider-words.ts";
import { entryOf } from "../table.ts";

const TOO_LONG = /prompt is too long|exceed context limit|context window/i;

/** `error.type` where it says more than the status, with the status a stream's error stands for ("Errors" in Anthropic's API reference). */
const byType: Record<string, { status: number; type: WireErrorType }> = {
  invalid_request_error: { status: 400, type: "invalid_request" },
  authentication_error: { status: 401, type: "authentication" },
  billing_error: { status: 402, type: "billing" },
  permission_error: { status: 403, type: "permission" },
  not_found_error: { status: 404, type: "not_found" },
  request_too_large: { status: 413, type: "too_large" },
  rate_limit_error: { status: 429, type: "rate_limit" },
  timeout_error: { status: 504, type: "timeout" },
  overloaded_error: { status: 529, type: "overloaded" },
  api_error: { status: 500, type: "server" },
};

/** What an error body or event says; `status` is the HTTP status, undefined inside a stream: there the type tells. */
export function errorOf(body: Json | undefined, status?: number): WireError {
  const { type: said } = findError(body);
  const named = typeof said === "string" ? entryOf(byType, said) : undefined;
  const own = status ?? named?.status ?? 502;
  const message = wordsIn(body);
  // Some say `invalid_request_error` with every 4xx: then the status knows better.
  const precise = named !== undefined && !(named.type === "invalid_request" && status !== undefined);
  const tooLong = (own === 400 || own === 413) && TOO_LONG.test(message);
  return {
    status: own,
    type: tooLong ? "context_window" : precise ? named.type : errorTypeOf(own),
    message: message || unexplained(status),
  };
}

/** An answer with an error status. */
export function decodeError(status: number, bodyText: string): WireError {
  return errorOf(errorBodyIn(bodyText), status);
}
