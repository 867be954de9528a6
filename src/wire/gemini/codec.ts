// Gemini's generateContent in all three roles: what Gemini CLI and Google's SDK speak to us, what Google gets from us, and what passes between
// the two.

import type { InboundCodec } from "../dialect.ts";
import { makeOutbound } from "../outbound.ts";
import { decodeRequest, readHead } from "./client-request.ts";
import { encodeResponse } from "./client-response.ts";
import { encodeStream } from "./client-stream.ts";
import { decodeError, encodeError, errorInAnswer } from "./errors.ts";
import { pathOf } from "./pass.ts";
import { encodeRequest } from "./request.ts";
import { decodeResponse } from "./response.ts";
import { decodeStream } from "./stream.ts";

export { geminiPass } from "./pass.ts";

export const geminiInbound: InboundCodec = { readHead, decodeRequest, encodeResponse, encodeStream, encodeError };

export const geminiOutbound = makeOutbound({
  path: pathOf,
  encodeRequest,
  errorInAnswer,
  decodeResponse,
  decodeStream,
  decodeError,
});
