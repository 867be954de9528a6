// A whole Gemini answer → canonical answer: a stream of one chunk. Half an answer is none.

import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import type { CanonicalResponse } from "../canonical.ts";
import { collectBlocks } from "../collect.ts";
import { CUT } from "../flow.ts";
import type { AnswerNames } from "../names.ts";
import { read } from "../schema.ts";
import { makeAnswerReader } from "./answer.ts";
import * as schema from "./schema.ts";

/** Throws `upstream` when this is no answer, or an unfinished one. */
export function decodeResponse(body: Json, names: AnswerNames, scope: string): CanonicalResponse {
  const reader = makeAnswerReader(names, scope);
  const said = reader.take(read(schema.answer, body, "", "upstream"));
  const end = reader.finish();
  const last = end.at(-1);
  if (last?.kind !== "stop") {
    throw new BrokeError("upstream", last?.kind === "error" ? last.error.message : CUT);
  }
  const { stop } = last;
  const blocks = collectBlocks([...said, ...end], { wraps: true, stop }).filter(
    (block) => stop.kind !== "refusal" || block.kind !== "tool_call",
  );
  const { losses } = reader;
  const usage = end.find((event) => event.kind === "usage")?.usage ?? null;
  return { blocks, stop, usage, ...(losses.length === 0 ? {} : { losses }) };
}
