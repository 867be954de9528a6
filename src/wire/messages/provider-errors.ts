// Anthropic's errors → ours ("Errors" in its API reference). Provider text is cut short here and must be redacted before it is shown.
// Does not stop: a provider from putting a secret into its message.

import * as v from "valibot";
import { parseJson } from "#src/core/json.ts";
import { clip } from "#src/core/text.ts";
import { errorTypeOf, type WireError, type WireErrorType } from "../errors.ts";
import { entryOf } from "../table.ts";

const MAX_MESSAGE_BYTES = 2048;
const TOO_LONG = /prompt is too long|exceed context limit|context window/i;
const told = v.object({ type: v.nullish(v.string()), message: v.nullish(v.string()) });
/** Servers that only imitate the dialect say it in one line, or at the top. */
const errorSchema = v.union([
  v.pipe(
    v.object({ error: v.string() }),
    v.transform(({ error }) => ({ type: null, message: error })),
  ),
  v.pipe(
    v.object({ error: told }),
    v.transform(({ error }) => error),
  ),
  v.pipe(
    v.object({ message: v.nullish(v.string()), detail: v.nullish(v.string()) }),
    v.transform(({ message, detail }) => ({ type: null, message: message ?? detail })),
  ),
]);

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
  const said = parsed.success ? parsed.output : undefined;
  const named = entryOf(byType, said?.type ?? "");
  const own = status ?? named?.status ?? 502;
  const message = clip(said?.message ?? "", MAX_MESSAGE_BYTES).text;
  // Some say `invalid_request_error` with every 4xx: then the status knows better.
  const precise = named !== undefined && !(named.type === "invalid_request" && status !== undefined);
  const tooLong = (own === 400 || own === 413) && TOO_LONG.test(message);
  return {
    status: own,
    type: tooLong ? "context_window" : precise ? named.type : errorTypeOf(own),
    message: message === "" ? `the provider answered ${status ?? "with an error it did not explain"}` : message,
  };
}
