// Puts a stream's tool-call fragments together: which fragment continues which call. Servers repeat an index for a new call, leave indexes
// out, leave ids out, or repeat id and name in every fragment; arguments must reach the call they belong to, whole.

import type { BlockKey, HubEvent } from "../canonical.ts";
import { upstreamFailure } from "../errors.ts";
import type { AnswerNames } from "../names.ts";
import { GrowingArgs } from "./args.ts";
import { partsOf, sealCall } from "./reading.ts";
import type { WireCall } from "./schema.ts";

type Call = {
  key: BlockKey;
  /** Its number among the calls of the answer. */
  at: number;
  id: string | undefined;
  name: string;
  args: GrowingArgs;
  started: boolean;
  ended: boolean;
};

export type CallTracker = {
  push(fragment: WireCall): HubEvent[];
  /** Ends the calls whose arguments are complete; to be asked when something else begins. */
  settle(): HubEvent[];
  /** Ends every call, an `error` when one never got a name; `halves`: those that are not complete stay as they are. */
  end(halves: boolean): HubEvent[];
  readonly count: number;
};

/** Without ids, another name begins the next call, and so does the same name behind finished arguments. */
function beginsAnother(call: Call, id: string | undefined, name: string, args: string): boolean {
  if (id !== undefined) return call.id !== undefined && id !== call.id && (name !== "" || args === "");
  if (name === "" || call.name === "") return false;
  return name !== call.name || (args !== "" && call.args.isWhole());
}

/** A tracker for one stream; a call's thought signature is sealed for `scope` and comes before it, as a thought of its own. */
export function makeCallTracker(names: AnswerNames, scope: string): CallTracker {
  const calls: Call[] = [];
  const byIndex = new Map<number, Call>();
  const byId = new Map<string, Call>();
  /** Those that something was said of since it was asked which are complete. */
  const changed = new Set<Call>();

  const find = (fragment: WireCall, id: string | undefined, name: string, args: string): Call => {
    const { index } = fragment;
    const indexed = typeof index === "number";
    const known = indexed ? byIndex.get(index) : ((id === undefined ? undefined : byId.get(id)) ?? calls.at(-1));
    if (known !== undefined && !beginsAnother(known, id, name, args)) return known;
    const at = calls.length;
    const call = { key: `call:${at}`, at, id, name: "", args: new GrowingArgs(), started: false, ended: false };
    calls.push(call);
    if (indexed) byIndex.set(index, call);
    return call;
  };

  const finish = (call: Call): HubEvent => {
    call.ended = true;
    return { kind: "blockEnd", key: call.key };
  };

  const settle = (): HubEvent[] => {
    const whole = [...changed].filter((call) => call.started && !call.ended && call.args.isWhole());
    changed.clear();
    return whole.sort((a, b) => a.at - b.at).map(finish);
  };

  return {
    settle,
    get count() {
      return calls.length;
    },
    push(fragment) {
      const id = fragment.id || undefined;
      const { name, args } = partsOf(fragment);
      if (id === undefined && name === "" && args === "") return [];
      const before = calls.length;
      const call = find(fragment, id, name, args);
      const events = calls.length > before ? settle() : [];
      if (call.ended) {
        if (args.trim() === "") return events;
        return [{ kind: "error", error: upstreamFailure("the provider went on with a tool call that was complete") }];
      }
      call.id ??= id;
      if (call.id !== undefined && !byId.has(call.id)) byId.set(call.id, call);
      call.args.add(args);
      changed.add(call);
      if (call.started) {
        if (args !== "") events.push({ kind: "delta", key: call.key, text: args });
        return events;
      }
      call.name = name;
      if (name === "") return events;
      call.started = true;
      const head = { kind: "tool_call", id: names.identify(call.id), ...names.tool(name) } as const;
      const proof = fragment.extra_content?.google?.thought_signature;
      if (proof) {
        const key = `${call.key}:thought`;
        events.push({ kind: "blockStart", key, head: { kind: "thinking", origin: "openai-chat" } });
        events.push({ kind: "signature", key, signature: sealCall(proof, scope) });
        events.push({ kind: "blockEnd", key });
      }
      events.push({ kind: "blockStart", key: call.key, head });
      if (call.args.text !== "") events.push({ kind: "delta", key: call.key, text: call.args.text });
      return events;
    },
    end(halves) {
      if (halves) return settle();
      if (!calls.every((call) => call.started)) {
        return [{ kind: "error", error: upstreamFailure("the provider sent a tool call without a name") }];
      }
      return calls.filter((call) => !call.ended).map(finish);
    },
  };
}
