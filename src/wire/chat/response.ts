// A whole Chat Completions answer → canonical answer, in the order thinking, text, calls. Half an answer is none.

import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import type { Block, CanonicalResponse } from "../canonical.ts";
import { collectBlocks } from "../collect.ts";
import type { WireError } from "../errors.ts";
import { unwrapLast } from "../custom.ts";
import type { Loss } from "../losses.ts";
import type { AnswerNames } from "../names.ts";
import { makeProse } from "../prose.ts";
import { isObject, read } from "../schema.ts";
import { makeThoughts } from "./details.ts";
import { wireError } from "./errors.ts";
import { noteLost } from "./lost.ts";
import { isFailure, partsOf, sealCall, stopOf, usageOf, wordsOf } from "./reading.ts";
import { completion } from "./schema.ts";

/** The error a provider put into an answer with status 200. */
export function errorInAnswer(body: Json): WireError | undefined {
  return isObject(body) && body["error"] ? wireError(body) : undefined;
}

/** Throws `upstream` when this is no answer, or an unfinished one. `wraps`: tools of free text were sent as functions. */
export function decodeResponse(body: Json, names: AnswerNames, scope: string, wraps: boolean): CanonicalResponse {
  const answer = read(completion, body, "", "upstream");
  const choice = answer.choices?.[0];
  const reason = choice?.finish_reason ?? undefined;
  if (!choice?.message || reason === undefined || isFailure(reason)) {
    throw new BrokeError("upstream", "the provider's answer is not complete");
  }
  const { thinking, text } = wordsOf(choice.message);
  const prose = makeProse(null);
  const thought = [...makeThoughts(prose, scope).take(choice.message, thinking), ...prose.close()];
  const calls = choice.message.tool_calls ?? [];
  const stop = stopOf(reason, { calls: calls.length > 0, refusal: Boolean(choice.message.refusal) });
  const blocks: Block[] = collectBlocks(thought, { wraps, stop });
  if (text.trim() !== "") blocks.push({ kind: "text", text });
  calls.forEach((call, index) => {
    const { name, args } = partsOf(call);
    if (name === "") throw new BrokeError("upstream", `tool call ${index} of the provider's answer has no name`);
    const tool = names.tool(name);
    const proof = call.extra_content?.google?.thought_signature;
    const argsRaw = wraps && tool.callKind === "custom" ? unwrapLast(args, stop) : args;
    if (argsRaw === undefined) return;
    if (proof) blocks.push({ kind: "thinking", text: "", signature: sealCall(proof, scope), origin: "openai-chat" });
    blocks.push({ kind: "tool_call", id: names.identify(call.id || undefined), ...tool, argsRaw });
  });
  const losses: Loss[] = [];
  noteLost(choice.message, "choices[0].message", losses);
  const usage = answer.usage ?? choice.usage;
  return {
    blocks,
    stop,
    usage: usage ? usageOf(usage) : null,
    ...(losses.length === 0 ? {} : { losses }),
  };
}
