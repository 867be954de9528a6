// OpenAI Chat in all three roles: what clients speak to us, what providers that speak Chat Completions get from us, and what passes between
// the two.

import type { InboundCodec } from "../dialect.ts";
import { makeOutbound } from "../outbound.ts";
import { readBodyHead } from "../splice.ts";
import { decodeRequest } from "./client-request.ts";
import { encodeResponse } from "./client-response.ts";
import { encodeStream } from "./client-stream.ts";
import { decodeError, encodeError } from "./errors.ts";
import { encodeRequest } from "./request.ts";
import { decodeResponse, errorInAnswer } from "./response.ts";
import { decodeStream } from "./stream.ts";

export const chatInbound: InboundCodec = {
  readHead: readBodyHead,
  decodeRequest,
  encodeResponse,
  encodeStream,
  encodeError,
};

export const chatOutbound = makeOutbound({
  path: () => "/chat/completions",
  encodeRequest,
  errorInAnswer,
  decodeResponse,
  decodeStream,
  decodeError,
});
