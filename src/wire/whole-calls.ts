// A call whose arguments are no JSON is half a call: a client would run it, or stumble over it, where the provider broke off. It is found only behind a
// limit or a refusal; anywhere else the answer has failed. Tools of free text are looked at where they are unwrapped (custom.ts).
// Does not stop: arguments that are JSON and not what the tool asked for.

import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import type { BlockKey, CanonicalResponse, HubEvent } from "./canonical.ts";
import { leavesHalves } from "./custom.ts";
import type { StreamDecoder } from "./dialect.ts";
import { upstreamFailure } from "./errors.ts";

const HALF = "the provider ended its answer with half a tool call";

const isHalf = (argsRaw: string) => argsRaw.trim() !== "" && parseJson(argsRaw) === undefined;

/** The answer, whole. Throws `upstream` when a call in it is not. */
export function requireWholeCalls(response: CanonicalResponse): CanonicalResponse {
  const half = response.blocks.some(
    (block) => block.kind === "tool_call" && block.callKind === "function" && isHalf(block.argsRaw),
  );
  if (half && !leavesHalves(response.stop)) throw new BrokeError("upstream", HALF);
  return response;
}

/** The same for a stream: how an answer ended is known last, so a half call is told before it is known to be one. */
export function wholeCalls(inner: StreamDecoder): StreamDecoder {
  const calls = new Map<BlockKey, string>();

  const look = (event: HubEvent): HubEvent => {
    if (event.kind === "blockStart" && event.head.kind === "tool_call" && event.head.callKind === "function")
      calls.set(event.key, "");
    if (calls.size === 0) return event;
    if (event.kind === "delta") {
      const args = calls.get(event.key);
      if (args !== undefined) calls.set(event.key, args + event.text);
    }
    if (event.kind !== "stop" || leavesHalves(event.stop) || ![...calls.values()].some(isHalf)) return event;
    return { kind: "error", error: upstreamFailure(HALF) };
  };
  const run = (events: HubEvent[]): HubEvent[] => {
    // Nearly all there is are words, which go through as they are.
    if (calls.size === 0 && events.length === 1 && events[0]!.kind === "delta") return events;
    return events.map(look);
  };
  return { ...inner, push: (event) => run(inner.push(event)), end: () => run(inner.end()) };
}
