// Tools that take free text (Codex's `apply_patch`) for backends that know functions only: a function with one text member, unwrapped again
// before the client sees the call.

import { BrokeError } from "#src/core/errors.ts";
import { type Json, parseJson } from "#src/core/json.ts";
import type { BlockKey, CustomTool, HubEvent, Stop, ToolCallBlock } from "./canonical.ts";
import type { StreamDecoder } from "./dialect.ts";
import { upstreamFailure } from "./errors.ts";
import { isObject } from "./schema.ts";

const BROKEN = "the provider's call of a free-text tool has no text";

/** The schema of the function that stands for a custom tool; its grammar is told in words. */
export function customSchema(tool: CustomTool): Json {
  const { format } = tool;
  const definition = isObject(format) && typeof format["definition"] === "string" ? format["definition"] : undefined;
  const syntax = isObject(format) && typeof format["syntax"] === "string" ? format["syntax"] : "given";
  const description =
    definition === undefined
      ? "The whole input of the tool, as plain text."
      : `The whole input of the tool, as plain text that follows this ${syntax} grammar:\n${definition}`;
  return {
    type: "object",
    properties: { input: { type: "string", description } },
    required: ["input"],
    additionalProperties: false,
  };
}

/** A call's free text as the function's arguments. */
export function wrapInput(text: string): string {
  return JSON.stringify({ input: text });
}

function textIn(argsRaw: string): string | undefined {
  const args = parseJson(argsRaw);
  return isObject(args) && typeof args["input"] === "string" ? args["input"] : undefined;
}

/** Whether a call may be found in halves: a limit cut the answer, or it was refused. */
export function leavesHalves({ kind }: Stop): boolean {
  return kind === "max_tokens" || kind === "context_window" || kind === "refusal";
}

/** The free text in the function's arguments. Throws `upstream` when there is none. */
export function unwrapInput(argsRaw: string): string {
  const text = textIn(argsRaw);
  if (text === undefined) throw new BrokeError("upstream", BROKEN);
  return text;
}

/** The same where half a call may be found: that has none. */
export function unwrapLast(argsRaw: string, stop: Stop): string | undefined {
  return leavesHalves(stop) ? textIn(argsRaw) : unwrapInput(argsRaw);
}

/** A call's arguments for those who want an object; undefined when they are none: a model may have said anything. */
export function inputOf({ callKind, argsRaw }: Pick<ToolCallBlock, "callKind" | "argsRaw">) {
  if (callKind === "custom") return { input: argsRaw };
  const args = argsRaw.trim() === "" ? {} : parseJson(argsRaw);
  return isObject(args) ? args : undefined;
}

const isDelta = (event: HubEvent) => event.kind === "delta";

/** The same for a stream: a custom call's arguments are held until they are complete, since only then they can be read. */
export function unwrapStream(inner: StreamDecoder): StreamDecoder {
  const held = new Map<BlockKey, string>();
  // A call that ended without a text is a fault, unless the next thing heard is that the answer ended there too.
  let doubtful = false;
  let failed = false;

  const fail = (): HubEvent[] => [{ kind: "error", error: upstreamFailure(BROKEN) }];
  const flush = (key: BlockKey): HubEvent[] => {
    const text = textIn(held.get(key) ?? "");
    held.delete(key);
    return text === undefined ? [] : [{ kind: "delta", key, text }];
  };
  const pass = (event: HubEvent): HubEvent[] => {
    switch (event.kind) {
      case "blockStart":
        if (doubtful) return fail();
        if (event.head.kind === "tool_call" && event.head.callKind === "custom") held.set(event.key, "");
        return [event];
      case "delta": {
        if (doubtful) return fail();
        const args = held.get(event.key);
        if (args === undefined) return [event];
        held.set(event.key, args + event.text);
        return [];
      }
      case "blockEnd": {
        if (!held.has(event.key)) return [event];
        const said = flush(event.key);
        doubtful ||= said.length === 0;
        return said.length === 0 ? [] : [...said, event];
      }
      case "stop":
        if (doubtful && !leavesHalves(event.stop)) return fail();
        return [...[...held.keys()].flatMap(flush), event];
      default:
        return [event];
    }
  };
  // What follows an error is no longer of use to anybody.
  const untilError = (events: HubEvent[]): HubEvent[] => {
    const at = events.findIndex((event) => event.kind === "error");
    return at < 0 ? events : events.slice(0, at + 1);
  };
  const run = (events: HubEvent[]): HubEvent[] => {
    if (failed) return [];
    // Nearly all there is are words, which go through as they are.
    if (held.size === 0 && !doubtful && events.every(isDelta)) return events;
    const out = untilError(events.flatMap(pass));
    failed = out.at(-1)?.kind === "error";
    return out;
  };
  return { ...inner, push: (event) => run(inner.push(event)), end: () => run(inner.end()) };
}
