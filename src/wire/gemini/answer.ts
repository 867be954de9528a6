// Puts an answer's parts together into blocks: text and thoughts in pieces, calls whole. A signature stands where `signatures.ts` says: with the
// thinking in front of a part that begins something, behind a text that goes on.

import type { HubEvent } from "../canonical.ts";
import { upstreamFailure } from "../errors.ts";
import { CUT } from "../flow.ts";
import type { Loss } from "../losses.ts";
import type { AnswerNames } from "../names.ts";
import { makeProse } from "../prose.ts";
import { seal } from "../seal.ts";
import { noteLost } from "./lost.ts";
import { addUsage, blockedBy, candidateOf, failureIn, stopOf, usageOf } from "./reading.ts";
import type { WireAnswer, WireCall, WirePart, WireUsage } from "./schema.ts";
import { SENTINEL } from "./signatures.ts";

export type AnswerReader = {
  /** A whole answer, or the next chunk of one. */
  take(answer: WireAnswer): HubEvent[];
  /** The end: cost and stop, or an error alone. */
  finish(): HubEvent[];
  /** What was neither text nor thinking nor a call. */
  readonly losses: readonly Loss[];
};

const broken = (why: string): HubEvent[] => [{ kind: "error", error: upstreamFailure(why) }];

/** A reader for one answer; signatures are sealed for `scope`. */
export function makeAnswerReader(names: AnswerNames, scope: string): AnswerReader {
  const prose = makeProse("gemini");
  const calls: string[] = [];
  const losses: Loss[] = [];
  let reason: string | undefined;
  let counted: WireUsage | undefined;
  let nameless = false;

  /** The thinking that is open is proven, or one without words. */
  const prove = (data: string): HubEvent[] => {
    const signature = seal({ origin: "gemini", scope, kind: "signature", data });
    const open = prose.open();
    if (open?.kind === "thinking") return [{ kind: "signature", key: open.key, signature }, ...prose.close()];
    const key = prose.newKey("thinking");
    return [
      ...prose.close(),
      { kind: "blockStart", key, head: { kind: "thinking", origin: "gemini" } },
      { kind: "signature", key, signature },
      { kind: "blockEnd", key },
    ];
  };
  const call = ({ id, name, args }: WireCall, signature: string | undefined): HubEvent[] => {
    if (!name) {
      nameless = true;
      return [];
    }
    const proof = signature === undefined ? [] : prove(signature);
    const key = `call:${calls.length}`;
    calls.push(key);
    const head = { kind: "tool_call", id: names.identify(id || undefined), ...names.tool(name) } as const;
    return [
      ...proof,
      ...prose.close(),
      { kind: "blockStart", key, head },
      { kind: "delta", key, text: JSON.stringify(args ?? {}) },
    ];
  };
  const takePart = (part: WirePart): HubEvent[] => {
    const { text, thought, thoughtSignature, functionCall } = part;
    const signature = thoughtSignature === SENTINEL ? undefined : thoughtSignature || undefined;
    if (functionCall) return call(functionCall, signature);
    if (typeof text !== "string") return [];
    const kind = thought ? "thinking" : "text";
    if (signature === undefined) return prose.say(kind, text);
    const begins = kind === "text" && text !== "" && prose.open()?.kind !== "text";
    if (begins) return [...prove(signature), ...prose.say(kind, text)];
    return [...prose.say(kind, text), ...prove(signature)];
  };

  return {
    losses,
    take(answer) {
      if (answer.usageMetadata) counted = addUsage(answer.usageMetadata, counted);
      const candidate = candidateOf(answer);
      if (candidate !== undefined) noteLost(candidate, losses);
      reason = candidate?.finishReason || blockedBy(answer) || reason;
      return (candidate?.content?.parts ?? []).flatMap(takePart);
    },
    finish() {
      if (reason === undefined) return broken(CUT);
      const failure = nameless ? "the provider sent a tool call without a name" : failureIn(reason);
      if (failure !== undefined) return broken(failure);
      const stop = stopOf(reason, calls.length > 0);
      // What a refused answer wanted to call is left unfinished: it must not run.
      const ended = stop.kind === "refusal" ? [] : calls;
      return [
        ...prose.close(),
        ...ended.map((key): HubEvent => ({ kind: "blockEnd", key })),
        ...(counted === undefined ? [] : [{ kind: "usage", usage: usageOf(counted) } as const]),
        { kind: "stop", stop },
      ];
    },
  };
}
