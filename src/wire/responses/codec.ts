// OpenAI Responses in all three roles: what Codex and OpenAI's SDK speak to us, what providers that speak it get from us, and what passes between
// the two.

import { decodeError, encodeError } from "../chat/errors.ts";
import type { InboundCodec } from "../dialect.ts";
import { makeOutbound } from "../outbound.ts";
import { readHead } from "./client-head.ts";
import { decodeRequest } from "./client-request.ts";
import { encodeResponse } from "./client-response.ts";
import { encodeStream } from "./client-stream.ts";
import { errorInAnswer } from "./reading.ts";
import { encodeRequest } from "./request.ts";
import { decodeResponse } from "./response.ts";
import { decodeStream } from "./stream.ts";

export { responsesPass } from "./pass.ts";

export const responsesInbound: InboundCodec = { readHead, decodeRequest, encodeResponse, encodeStream, encodeError };

export const responsesOutbound = makeOutbound({
  path: () => "/responses",
  encodeRequest,
  errorInAnswer,
  decodeResponse,
  decodeStream,
  decodeError,
});
