// Our errors in Anthropic's words ("Errors" in its API reference), for an answer and for inside a stream.

import type { Json } from "#src/core/json.ts";
import type { WireError, WireErrorType } from "../errors.ts";

const types: Record<WireErrorType, string> = {
  invalid_request: "invalid_request_error",
  context_window: "invalid_request_error",
  authentication: "authentication_error",
  billing: "billing_error",
  permission: "permission_error",
  not_found: "not_found_error",
  too_large: "request_too_large",
  rate_limit: "rate_limit_error",
  overloaded: "overloaded_error",
  timeout: "timeout_error",
  server: "api_error",
};

/** The error object. Claude Code compacts the conversation only when it reads "prompt is too long". */
export function errorBody(error: WireError): Json {
  const told = error.type !== "context_window" || /prompt is too long/i.test(error.message);
  const message = told ? error.message : `prompt is too long: ${error.message}`;
  return { type: "error", error: { type: types[error.type], message } };
}

/** Status and body of an answer. */
export function encodeError(error: WireError): { status: number; body: Json } {
  return { status: error.status, body: errorBody(error) };
}
