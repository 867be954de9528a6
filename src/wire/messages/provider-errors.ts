// Anthropic's errors → ours ("Errors" in its API reference). Provider text is cut short here and must be redacted before it is shown.
// Does not stop: a provider from putting a secret into its message.

import * as v from "valibot";
import { parseJson } from "#src/core/json.ts";
import { clip } from "#src/core/text.ts";
import { errorTypeOf, type WireError, type WireErrorType } from "../errors.ts";

const MAX_MESSAGE_BYTES = 2048;
const TOO_LONG = /prompt is too long|exceed context limit|context window/i;
const errorSchema = v.object({
  error: v.object({ type: v.optional(v.string()), message: v.optional(v.string(), "") }),
});

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
export function errorOf(bodyText: string, status?: number): WireError {
  const parsed = v.safeParse(errorSchema, parseJson(bodyText));
  const said = parsed.success ? parsed.output.error : undefined;
  const named = byType[said?.type ?? ""];
  const own = status ?? named?.status ?? 502;
  const message = clip(said?.message ?? "", MAX_MESSAGE_BYTES).text;
  const tooLong = (own === 400 || own === 413) && TOO_LONG.test(message);
  return {
    status: own,
    type: tooLong ? "context_window" : (named?.type ?? errorTypeOf(own)),
    message: message === "" ? `the provider answered ${status ?? "with an error it did not explain"}` : message,
  };
}
