// Anthropic Messages in its roles of a translated dialect: what Claude Code and its kin speak to us, and what we speak to Anthropic for
// everybody else.

import type { InboundCodec } from "../dialect.ts";
import { makeOutbound } from "../outbound.ts";
import { readBodyHead } from "../splice.ts";
import { decodeResponse, errorInAnswer } from "./backend-answer.ts";
import { encodeRequest } from "./backend-request.ts";
import { decodeStream } from "./backend-stream.ts";
import { encodeError } from "./errors.ts";
import { decodeError } from "./provider-errors.ts";
import { decodeRequest } from "./request.ts";
import { encodeResponse } from "./response.ts";
import { encodeStream } from "./stream.ts";

export const messagesInbound: InboundCodec = {
  readHead: readBodyHead,
  decodeRequest,
  encodeResponse,
  encodeStream,
  encodeError,
};

export const messagesOutbound = makeOutbound({
  path: () => "/messages",
  encodeRequest,
  errorInAnswer,
  decodeResponse,
  decodeStream,
  decodeError,
});
