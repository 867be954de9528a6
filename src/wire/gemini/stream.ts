// A Gemini stream → hub events. There is no last word: a finish reason ends the answer where the bytes end, because the cost may come behind it.
// A stream that just breaks off has none.

import { parseJson } from "#src/core/json.ts";
import type { HubEvent } from "../canonical.ts";
import type { StreamDecoder } from "../dialect.ts";
import { upstreamFailure, type WireError } from "../errors.ts";
import type { AnswerNames } from "../names.ts";
import { makeAnswerReader } from "./answer.ts";
import { errorInAnswer, errorOf } from "./errors.ts";
import { answer as answerSchema } from "./schema.ts";
import { fitting } from "../schema.ts";

/** A decoder for one stream. */
export function decodeStream(names: AnswerNames, scope: string): StreamDecoder {
  const reader = makeAnswerReader(names, scope);
  let phase: "waiting" | "running" | "over" = "waiting";

  const fail = (error: WireError): HubEvent[] => {
    phase = "over";
    return [{ kind: "error", error }];
  };
  const finish = (): HubEvent[] => {
    phase = "over";
    return reader.finish();
  };
  return {
    losses: reader.losses,
    push({ event, data }) {
      if (phase === "over" || data.trim() === "") return [];
      if (data.trim() === "[DONE]") return finish();
      const body = parseJson(data);
      const error = event === "error" ? errorOf(body) : errorInAnswer(body);
      if (error !== undefined) return fail(error);
      const answer = fitting(answerSchema, body);
      if (answer === undefined)
        return fail(upstreamFailure("the provider sent something that is not part of an answer"));
      const started: HubEvent[] = phase === "waiting" ? [{ kind: "start" }] : [];
      phase = "running";
      return [...started, ...reader.take(answer)];
    },
    end: () => (phase === "over" ? [] : finish()),
  };
}
