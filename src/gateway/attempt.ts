// One attempt made ready: the bytes for this backend. Same dialect: the client's own bytes with the model spliced in.

import { BrokeError } from "#src/core/errors.ts";
import type { Attempt } from "#src/routing/resolve.ts";
import type { KeyRing } from "#src/state/secrets.ts";
import { spliceTopLevel } from "#src/wire/splice.ts";
import { requestHeaders, upstreamUrl } from "./upstream.ts";

export type AttemptInput = {
  body: Uint8Array<ArrayBuffer>;
  suffix: "" | "/count_tokens";
  query: string;
  headers: Headers;
};

export type Prepared = { url: string; headers: Headers; body: Uint8Array<ArrayBuffer> };

/** Prepares the call. Throws `usage` when the request cannot be carried to this backend's dialect. */
export function prepareAttempt(attempt: Attempt, input: AttemptInput, keys: KeyRing): Prepared {
  const { backend } = attempt;
  const key = attempt.keyName === null ? undefined : keys.get(attempt.keyName);
  if (backend.dialect !== "anthropic") {
    throw new BrokeError("usage", `${backend.label} speaks a dialect that cannot be translated to`);
  }
  return {
    url: upstreamUrl(backend, input.suffix, input.query),
    headers: requestHeaders(backend, key, input.headers),
    body: spliceTopLevel(input.body, { model: backend.model }),
  };
}
