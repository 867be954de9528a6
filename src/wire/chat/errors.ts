// Chat providers' errors → ours: the shapes OpenAI, OpenRouter, Google and the local servers send. What they say must be redacted before it is shown.
// Does not stop: a provider from putting a secret into its message.

import type { Json } from "#src/core/json.ts";
import { errorTypeOf, type WireError, type WireErrorType } from "../errors.ts";
import { errorBodyIn, findError, unexplained, wordsIn } from "../provider-words.ts";
import { entryOf } from "../table.ts";

const TOO_LONG = /context[_ ](?:length|window)|maximum context|prompt is too long|too many (?:input )?tokens/i;

/** `code` or `type` of an error, where it says more than the status. */
const byCode: Record<string, { status: number; type: WireErrorType }> = {
  context_length_exceeded: { status: 400, type: "context_window" },
  invalid_api_key: { status: 401, type: "authentication" },
  authentication_error: { status: 401, type: "authentication" },
  insufficient_quota: { status: 429, type: "billing" },
  permission_error: { status: 403, type: "permission" },
  model_not_found: { status: 404, type: "not_found" },
  rate_limit_exceeded: { status: 429, type: "rate_limit" },
  rate_limit_error: { status: 429, type: "rate_limit" },
  overloaded_error: { status: 529, type: "overloaded" },
  invalid_request_error: { status: 400, type: "invalid_request" },
};

function text(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function httpStatus(value: Json | undefined): number | undefined {
  const number = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= 400 && number < 600 ? number : undefined;
}

/** An error object found in an answer. `status` is the HTTP status, undefined inside a 200: there the object itself may tell. */
export function wireError(body: Json | undefined, status?: number): WireError {
  const error = findError(body);
  const message = wordsIn(body);
  const named = entryOf(byCode, text(error["code"]) ?? "") ?? entryOf(byCode, text(error["type"]) ?? "");
  const own = status ?? httpStatus(error["code"]) ?? httpStatus(error["status"]) ?? named?.status ?? 502;
  // OpenAI says `invalid_request_error` with every 4xx: then the status knows better.
  const precise = named !== undefined && (status === undefined || (status < 500 && named.type !== "invalid_request"));
  const type = precise ? named.type : errorTypeOf(own);
  // Its words may repeat the client's; code and parameter are the provider's own.
  const param = text(error["param"]);
  const refuses =
    text(error["code"]) === "unsupported_parameter" && /^[A-Za-z_]\w{0,63}$/.test(param ?? "") ? param : undefined;
  const tooLong = (own === 400 || own === 413) && TOO_LONG.test(message);
  return {
    status: own,
    type: tooLong ? "context_window" : type,
    message: message || unexplained(status),
    ...(refuses === undefined ? {} : { refuses }),
  };
}

/** How OpenAI spells codes, and the places of a request. */
const NAME = /^[A-Za-z_][\w.[\]-]{0,127}$/;

/** The same with the provider's own code and parameter, for a client that speaks the same dialect. */
export function ownError(body: Json | undefined, status?: number): WireError {
  const error = findError(body);
  const named = (["code", "param"] as const).flatMap((name) => {
    const said = text(error[name]);
    return said !== undefined && NAME.test(said) ? [[name, said]] : [];
  });
  const told = wireError(body, status);
  return named.length === 0 ? told : { ...told, own: Object.fromEntries(named) };
}

const words: Record<WireErrorType, { type: string; code: string | null }> = {
  invalid_request: { type: "invalid_request_error", code: null },
  context_window: { type: "invalid_request_error", code: "context_length_exceeded" },
  authentication: { type: "authentication_error", code: "invalid_api_key" },
  billing: { type: "insufficient_quota", code: "insufficient_quota" },
  permission: { type: "permission_error", code: null },
  not_found: { type: "invalid_request_error", code: "model_not_found" },
  too_large: { type: "invalid_request_error", code: "request_too_large" },
  rate_limit: { type: "rate_limit_error", code: "rate_limit_exceeded" },
  overloaded: { type: "server_error", code: "overloaded" },
  timeout: { type: "server_error", code: "timeout" },
  server: { type: "server_error", code: null },
};

/** The error object of both of OpenAI's dialects ("Error codes" in its guides). */
export function errorBody(error: WireError): Json {
  return { error: { message: error.message, ...words[error.type], param: null, ...error.own } };
}

/** Status and body of an answer. */
export function encodeError(error: WireError): { status: number; body: Json } {
  return { status: error.status, body: errorBody(error) };
}

/** An answer with an error status. */
export function decodeError(status: number, bodyText: string): WireError {
  return wireError(errorBodyIn(bodyText), status);
}

/** The same for a client that speaks the same dialect. */
export function decodeOwnError(status: number, bodyText: string): WireError {
  return ownError(errorBodyIn(bodyText), status);
}
