// OpenAI Chat in all three roles: what clients speak to us, what providers that speak Chat Completions get from us, and what passes between
// the two.

import { unwrapStream } from "../custom.ts";
import type { InboundCodec, OutboundCodec } from "../dialect.ts";
import { makeAnswerNames } from "../names.ts";
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

export const chatOutbound: OutboundCodec = {
  path: () => "/chat/completions",
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
