// OpenAI Responses in all three roles: what Codex and OpenAI's SDK speak to us, what providers that speak it get from us, and what passes between
// the two.

import { decodeError, encodeError } from "../chat/errors.ts";
import { unwrapStream } from "../custom.ts";
import type { InboundCodec, OutboundCodec } from "../dialect.ts";
import { makeAnswerNames } from "../names.ts";
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

export const responsesOutbound: OutboundCodec = {
  path: () => "/responses",
  encodeRequest(request, target) {
    const { body, losses, names, quirks } = encodeRequest(request, target);
    const answerNames = () => makeAnswerNames(request, names, target.newId);
    const wraps = !quirks.customTools;
    return {
      body,
      losses,
      errorInAnswer,
      decodeResponse: (answer) => decodeResponse(answer, answerNames(), target.scope, wraps),
      decodeStream() {
        const decoder = decodeStream(answerNames(), target.scope);
        return wraps ? unwrapStream(decoder) : decoder;
      },
    };
  },
  decodeError,
};
