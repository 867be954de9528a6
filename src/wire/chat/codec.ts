// The outbound half of OpenAI Chat: what providers that speak Chat Completions get from us, and how their answers are read.

import { randomUUID } from "node:crypto";
import type { CanonicalRequest } from "../canonical.ts";
import type { OutboundCodec } from "../dialect.ts";
import { fitCallId } from "../names.ts";
import { decodeError } from "./errors.ts";
import { encodeRequest } from "./request.ts";
import { decodeResponse, errorInAnswer } from "./response.ts";
import { type ClientNames, decodeStream } from "./stream.ts";

const randomId = () => `call_${randomUUID().replaceAll("-", "")}`;

/** Ids the client has seen: servers that count from zero in every answer would give it the same one twice. */
function knownIds(request: CanonicalRequest): Set<string> {
  const calls = request.messages.flatMap(({ blocks }) => blocks.filter((block) => block.kind === "tool_call"));
  return new Set(calls.map((call) => call.id));
}

export const chatOutbound: OutboundCodec = {
  path: () => "/chat/completions",
  encodeRequest(request, target) {
    const newId = target.newId ?? randomId;
    const { body, losses, names } = encodeRequest(request, target);
    const clientNames = (): ClientNames => {
      const known = knownIds(request);
      return {
        identify(id) {
          let fitted = id === undefined ? newId() : fitCallId(id);
          while (known.has(fitted)) fitted = newId();
          known.add(fitted);
          return fitted;
        },
        rename: names.back,
      };
    };
    return {
      body,
      losses,
      errorInAnswer,
      decodeResponse: (answer) => decodeResponse(answer, clientNames()),
      decodeStream: () => decodeStream(clientNames()),
    };
  },
  decodeError,
};
