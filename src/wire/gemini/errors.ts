// Google's errors, both ways (`google.rpc.Status`, "Errors" in Google's API design guide). What a provider says must be redacted before it is shown.
// Does not stop: a provider from putting a secret into its message.

import type { Json } from "#src/core/json.ts";
import { wireError } from "../chat/errors.ts";
import type { WireError, WireErrorType } from "../errors.ts";
import { errorBodyIn, findError } from "../provider-words.ts";
import { isObject } from "../schema.ts";

const TYPE = "type.googleapis.com/google.rpc.";
const TOO_LONG = /exceeds the maximum number of (?:input )?tokens|input token count/i;
const NO_KEY = /api key (?:not valid|expired|not found)/i;

/** The status words Google's gateway says, and what they mean where no HTTP status tells. */
const byWord: Record<string, { status: number; type: WireErrorType }> = {
  INVALID_ARGUMENT: { status: 400, type: "invalid_request" },
  FAILED_PRECONDITION: { status: 400, type: "invalid_request" },
  OUT_OF_RANGE: { status: 400, type: "invalid_request" },
  UNAUTHENTICATED: { status: 401, type: "authentication" },
  PERMISSION_DENIED: { status: 403, type: "permission" },
  NOT_FOUND: { status: 404, type: "not_found" },
  RESOURCE_EXHAUSTED: { status: 429, type: "rate_limit" },
  CANCELLED: { status: 499, type: "server" },
  INTERNAL: { status: 500, type: "server" },
  UNAVAILABLE: { status: 503, type: "overloaded" },
  DEADLINE_EXCEEDED: { status: 504, type: "timeout" },
};

const words: Record<WireErrorType, string> = {
  invalid_request: "INVALID_ARGUMENT",
  context_window: "INVALID_ARGUMENT",
  authentication: "UNAUTHENTICATED",
  billing: "RESOURCE_EXHAUSTED",
  permission: "PERMISSION_DENIED",
  not_found: "NOT_FOUND",
  too_large: "INVALID_ARGUMENT",
  rate_limit: "RESOURCE_EXHAUSTED",
  overloaded: "UNAVAILABLE",
  timeout: "DEADLINE_EXCEEDED",
  server: "INTERNAL",
};

/** The error object, for an answer and for inside a stream. */
export function errorBody({ status, type, message, retryAfterMs: wait }: WireError): Json {
  const details =
    wait === undefined ? {} : { details: [{ "@type": `${TYPE}RetryInfo`, retryDelay: `${wait / 1000}s` }] };
  return { error: { code: status, message, status: words[type], ...details } };
}

/** Status and body of an answer. */
export function encodeError(error: WireError): { status: number; body: Json } {
  return { status: error.status, body: errorBody(error) };
}

function detailsOf(error: { [key: string]: Json }): { [key: string]: Json }[] {
  const { details } = error;
  return Array.isArray(details) ? details.filter((each) => isObject(each)) : [];
}

/** `google.protobuf.Duration` as JSON says it: seconds, with a fraction or none. */
function waitIn(details: { [key: string]: Json }[]): { retryAfterMs?: number } {
  const delay = details.find((each) => each["@type"] === `${TYPE}RetryInfo`)?.["retryDelay"];
  const seconds = typeof delay === "string" ? /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(delay)?.[1] : undefined;
  return seconds === undefined ? {} : { retryAfterMs: Math.ceil(Number(seconds) * 1000) };
}

/** An error object found in an answer, alone or in a list. `status` is the HTTP status, undefined inside a 200. */
export function errorOf(body: Json | undefined, status?: number): WireError {
  const error = findError(body);
  const word = typeof error["status"] === "string" ? byWord[error["status"]] : undefined;
  const said = wireError(body, status);
  const details = detailsOf(error);
  const { message } = said;
  const plain = word !== undefined && said.status === 502 && status === undefined ? { ...said, ...word } : said;
  const found = { ...plain, ...waitIn(details) };
  // Google says with 400 that a key is wrong, which is no fault of the request.
  const badKey = details.some((each) => each["reason"] === "API_KEY_INVALID") || NO_KEY.test(message);
  if (badKey && found.status === 400) return { ...found, status: 401, type: "authentication" };
  return found.status === 400 && TOO_LONG.test(message) ? { ...found, type: "context_window" } : found;
}

/** An answer with an error status. */
export function decodeError(status: number, bodyText: string): WireError {
  return errorOf(errorBodyIn(bodyText), status);
}

/** The error a provider put into an answer with status 200. */
export function errorInAnswer(body: Json | undefined): WireError | undefined {
  const first = Array.isArray(body) ? body[0] : body;
  return isObject(first) && first["error"] ? errorOf(first) : undefined;
}
