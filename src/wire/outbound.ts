// What every dialect's backend side has in common: tools that were renamed go back to the client's names in the answer, and tools with free text that
// were sent as functions are unwrapped there.

import type { Json } from "#src/core/json.ts";
import { sayLost, sayLostStream } from "./answer-losses.ts";
import type { CanonicalRequest, CanonicalResponse } from "./canonical.ts";
import { unwrapStream } from "./custom.ts";
import type { OutboundCodec, StreamDecoder, Target } from "./dialect.ts";
import type { WireError } from "./errors.ts";
import type { Loss } from "./losses.ts";
import { type AnswerNames, makeAnswerNames, type ToolNames } from "./names.ts";
import type { Quirks } from "./quirks.ts";
import { requireWholeCalls, wholeCalls } from "./whole-calls.ts";

/** A dialect's own steps. `wraps`: its tools with free text were sent as functions. */
type Steps = Pick<OutboundCodec, "path" | "decodeError"> & {
  encodeRequest(
    request: CanonicalRequest,
    target: Target,
  ): { body: Json; losses: Loss[]; names: ToolNames; quirks?: Pick<Quirks, "customTools"> };
  errorInAnswer(body: Json): WireError | undefined;
  decodeResponse(body: Json, names: AnswerNames, scope: string, wraps: boolean): CanonicalResponse;
  decodeStream(names: AnswerNames, scope: string): StreamDecoder;
};

/** The codec made of them. */
export function makeOutbound({
  path,
  decodeError,
  encodeRequest,
  errorInAnswer,
  decodeResponse,
  decodeStream,
}: Steps): OutboundCodec {
  return {
    path,
    encodeRequest(request, target) {
      const { body, losses, names, quirks } = encodeRequest(request, target);
      const answerNames = () => makeAnswerNames(request, names, target.newId);
      const wraps = quirks?.customTools !== true && request.tools.some(({ kind }) => kind === "custom");
      return {
        body,
        losses,
        errorInAnswer,
        decodeResponse: (answer) =>
          sayLost(requireWholeCalls(decodeResponse(answer, answerNames(), target.scope, wraps))),
        decodeStream() {
          const decoder = decodeStream(answerNames(), target.scope);
          return sayLostStream(wholeCalls(wraps ? unwrapStream(decoder) : decoder));
        },
      };
    },
    decodeError,
  };
}
