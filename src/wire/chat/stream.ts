// A Chat Completions stream → hub events. The end is held back until `[DONE]` or the last byte, because usage may come before, with or after
// the finish reason. A stream that just breaks off never looks finished.

import { type Json, parseJson } from "#src/core/json.ts";
import type { HubEvent, Usage } from "../canonical.ts";
import { leavesHalves } from "../custom.ts";
import type { StreamDecoder } from "../dialect.ts";
import { makeAlikeReader } from "../alike.ts";
import { upstreamFailure, type WireError } from "../errors.ts";
import { CUT } from "../flow.ts";
import type { Loss } from "../losses.ts";
import type { AnswerNames } from "../names.ts";
import { makeProse } from "../prose.ts";
import type { SseEvent } from "../sse.ts";
import { makeCallTracker } from "./calls.ts";
import { makeThoughts } from "./details.ts";
import { wireError } from "./errors.ts";
import { noteLost } from "./lost.ts";
import { GAVE_UP, isFailure, stopOf, usageOf, wordsOf } from "./reading.ts";
import { fitting, isObject } from "../schema.ts";
import { chunk as chunkSchema, type WireSaid } from "./schema.ts";

/** The text of a chunk that tells nothing else, as nearly all do: reading one by the schema takes longer than all that is done with it. */
function plainText(body: Json | undefined): string | undefined {
  if (!isObject(body) || body["error"] || body["usage"]) return undefined;
  const { choices } = body;
  const choice = Array.isArray(choices) && choices.length === 1 ? choices[0]! : null;
  if (!isObject(choice) || choice["finish_reason"] || choice["usage"] || (choice["index"] ?? 0) !== 0) return undefined;
  const { delta } = choice;
  if (!isObject(delta) || typeof delta["content"] !== "string") return undefined;
  for (const key in delta) if (key !== "content" && key !== "role" && delta[key] !== null) return undefined;
  return delta["content"];
}

/** A decoder for one stream. */
export function decodeStream(names: AnswerNames, scope: string): StreamDecoder {
  const calls = makeCallTracker(names, scope);
  const prose = makeProse(null, calls.settle);
  const thoughts = makeThoughts(prose, scope, calls.settle);
  const alike = makeAlikeReader(plainText);
  const losses: Loss[] = [];
  let phase: "waiting" | "running" | "over" = "waiting";
  let refusal = false;
  let reason: string | undefined;
  let usage: Usage | undefined;

  const take = (said: WireSaid, out: HubEvent[]) => {
    noteLost(said, "choices[0].delta", losses);
    const { thinking, text } = wordsOf(said);
    out.push(...thoughts.take(said, thinking), ...prose.say("text", text));
    if (said.refusal) refusal = true;
    for (const fragment of said.tool_calls ?? []) {
      const events = calls.push(fragment);
      out.push(...(events.length > 0 ? prose.close() : []), ...events);
    }
  };

  const fail = (error: WireError): HubEvent[] => {
    phase = "over";
    return [{ kind: "error", error }];
  };

  const finish = (): HubEvent[] => {
    if (reason === undefined) return fail(upstreamFailure(CUT));
    if (isFailure(reason)) return fail(upstreamFailure(GAVE_UP));
    const stop = stopOf(reason, { calls: calls.count > 0, refusal });
    const out = prose.close();
    // What a refused answer wanted to call is left unfinished: it must not run.
    if (stop.kind !== "refusal") out.push(...calls.end(leavesHalves(stop)));
    const broken = out.find((event) => event.kind === "error");
    if (broken !== undefined) return fail(broken.error);
    if (usage !== undefined) out.push({ kind: "usage", usage });
    out.push({ kind: "stop", stop });
    phase = "over";
    return out;
  };

  const unbroken = (out: HubEvent[]): HubEvent[] => {
    const broken = out.find((each) => each.kind === "error");
    return broken === undefined ? out : fail(broken.error);
  };

  const mayBePlain = (event: SseEvent) => phase === "running" && event.event !== "error";

  const read = (event: SseEvent): HubEvent[] => {
    const body = parseJson(event.data);
    const text = mayBePlain(event) ? plainText(body) : undefined;
    if (text !== undefined) {
      alike.learn(event.data, text);
      return prose.say("text", text);
    }
    const chunk = fitting(chunkSchema, body);
    if (event.event === "error" || chunk?.error) return fail(wireError(body));
    if (chunk === undefined)
      return fail(upstreamFailure("the provider sent something that is not a chunk of an answer"));
    const out: HubEvent[] = [];
    if (phase === "waiting") out.push({ kind: "start" });
    phase = "running";
    const { choices, usage: total } = chunk;
    if (total) usage = usageOf(total);
    // Only one answer was asked for; a second one would be mixed into the first.
    const choice = choices?.find((candidate) => (candidate.index ?? 0) === 0);
    if (!choice) return out;
    if (choice.usage) usage = usageOf(choice.usage);
    if (choice.delta) take(choice.delta, out);
    if (choice.finish_reason) reason = choice.finish_reason;
    return unbroken(out);
  };

  return {
    losses,
    push(event) {
      if (phase === "over") return [];
      const known = mayBePlain(event) ? alike.read(event.data) : undefined;
      if (known !== undefined) return prose.say("text", known);
      const data = event.data.trim();
      if (data === "") return [];
      return data === "[DONE]" ? finish() : read(event);
    },
    end: () => (phase === "over" ? [] : finish()),
  };
}
