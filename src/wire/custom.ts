// Tools that take free text (Codex's `apply_patch`) for backends that know functions only: a function with one text member, unwrapped again
// before the client sees the call.

import { BrokeError } from "#src/core/errors.ts";
import { type Json, parseJson } from "#src/core/json.ts";
import type { BlockKey, CustomTool, HubEvent, ToolCallBlock } from "./canonical.ts";
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

/** The free text in the function's arguments. Throws `upstream` when there is none. */
export function unwrapInput(argsRaw: string): string {
  const args = parseJson(argsRaw);
  if (isObject(args) && typeof args["input"] === "string") return args["input"];
  throw new BrokeError("upstream", BROKEN);
}

/** A call's arguments for those who want an object; undefined when they are none: a model may have said anything. */
export function inputOf({ callKind, argsRaw }: Pick<ToolCallBlock, "callKind" | "argsRaw">) {
  if (callKind === "custom") return { input: argsRaw };
  const args = argsRaw.trim() === "" ? {} : parseJson(argsRaw);
  return isObject(args) ? args : undefined;
}

/** The same for a stream: a custom call's arguments are held until they are complete, since only then they can be read. */
export function unwrapStream(inner: StreamDecoder): StreamDecoder {
  const held = new Map<BlockKey, string>();

  const flush = (key: BlockKey, complete: boolean): HubEvent[] => {
    const args = held.get(key);
    held.delete(key);
    if (args === undefined) return [];
    const parsed = parseJson(args);
    if (isObject(parsed) && typeof parsed["input"] === "string") {
      return [{ kind: "delta", key, text: parsed["input"] }];
    }
    // A call that a limit cut in half stays without text; one that ended must have it.
    return complete ? [{ kind: "error", error: upstreamFailure(BROKEN) }] : [];
  };
  const pass = (event: HubEvent): HubEvent[] => {
    switch (event.kind) {
      case "blockStart":
        if (event.head.kind === "tool_call" && event.head.callKind === "custom") held.set(event.key, "");
        return [event];
      case "delta": {
        const args = held.get(event.key);
        if (args === undefined) return [event];
        held.set(event.key, args + event.text);
        return [];
      }
      case "blockEnd":
        return [...flush(event.key, true), event];
      case "stop":
        return [...[...held.keys()].flatMap((key) => flush(key, false)), event];
      default:
        return [event];
    }
  };
  // What follows an error is no longer of use to anybody.
  const untilError = (events: HubEvent[]): HubEvent[] => {
    const at = events.findIndex((event) => event.kind === "error");
    return at < 0 ? events : events.slice(0, at + 1);
  };
  let failed = false;
  const run = (events: HubEvent[]): HubEvent[] => {
    if (failed) return [];
    const out = untilError(events.flatMap(pass));
    failed = out.at(-1)?.kind === "error";
    return out;
  };
  return { push: (event) => run(inner.push(event)), end: () => run(inner.end()) };
}
