// An Anthropic stream → hub events. It ends with `message_stop` and nothing else; one that just breaks off has failed.

import * as v from "valibot";
import { parseJson } from "#src/core/json.ts";
import type { BlockHead, BlockKey, HubEvent, Stop, Usage } from "../canonical.ts";
import { inputOf, leavesHalves } from "../custom.ts";
import type { StreamDecoder } from "../dialect.ts";
import { loseOfAnswer } from "../answer-losses.ts";
import { upstreamFailure, type WireError } from "../errors.ts";
import { CUT } from "../flow.ts";
import type { Loss } from "../losses.ts";
import type { AnswerNames } from "../names.ts";
import { fitting, isObject } from "../schema.ts";
import type { SseEvent } from "../sse.ts";
import { noteLost, sealThought, stopOf, usageOf } from "./backend-answer.ts";
import { events as schemas } from "./backend-schema.ts";
import { errorOf } from "./provider-errors.ts";

/** Of a call, `args` is what came of its arguments, and `whole` all of them where they came with its beginning, for when they do not come in pieces. */
type Open = { key: BlockKey; kind: "text" | "thinking" | "call"; signature: string; args: string; whole: string };
type Wire<Name extends keyof typeof schemas> = v.InferOutput<(typeof schemas)[Name]>;

/** A decoder for one stream. */
export function decodeStream(names: AnswerNames, scope: string): StreamDecoder {
  const open = new Map<number, Open>();
  const passedOver = new Set<number>();
  /** Calls whose block was stopped before its arguments were whole: a limit stops it too, and why is told last. Those without any are whole if more follows. */
  let halves: Open[] = [];
  const losses: Loss[] = [];
  let phase: "waiting" | "running" | "over" = "waiting";
  let stop: Stop | undefined;
  let usage: Usage | undefined;

  const fail = (error: WireError): HubEvent[] => {
    phase = "over";
    return [{ kind: "error", error }];
  };
  const broken = (what: string) => fail(upstreamFailure(`the provider ${what}`));

  const over = (blocks: readonly Open[]) => blocks.map(({ key }): HubEvent => ({ kind: "blockEnd", key }));
  const settle = (): HubEvent[] => {
    if (halves.length === 0) return [];
    const whole = halves.filter(({ args }) => args === "");
    halves = halves.filter(({ args }) => args !== "");
    return over(whole);
  };

  const begin = ({ index, content_block: block }: Wire<"content_block_start">): HubEvent[] => {
    noteLost(block, `content[${index}]`, losses);
    const key = `block:${index}`;
    const start = (kind: Open["kind"], head: BlockHead, first = "", whole = ""): HubEvent[] => {
      open.set(index, { key, kind, signature: block.signature ?? "", args: "", whole });
      const said: HubEvent[] = first === "" ? [] : [{ kind: "delta", key, text: first }];
      return [...settle(), { kind: "blockStart", key, head }, ...said];
    };
    switch (block.type) {
      case "text":
        return start("text", { kind: "text" }, block.text ?? "");
      case "thinking":
        return start("thinking", { kind: "thinking", origin: "anthropic" }, block.thinking ?? "");
      case "redacted_thinking": {
        passedOver.add(index);
        if (!block.data) return [];
        const redacted = sealThought("redacted", block.data, scope);
        return start("thinking", { kind: "thinking", redacted, origin: "anthropic" });
      }
      case "tool_use": {
        if (!block.name) return broken("sent a tool call without a name");
        const given = isObject(block.input) && Object.keys(block.input).length > 0 ? JSON.stringify(block.input) : "";
        const head = {
          kind: "tool_call",
          id: names.identify(block.id || undefined),
          ...names.tool(block.name),
        } as const;
        return start("call", head, "", given);
      }
      default:
        passedOver.add(index);
        return [];
    }
  };
  const go = ({ index, delta }: Wire<"content_block_delta">): HubEvent[] => {
    const block = open.get(index);
    if (block === undefined) return passedOver.has(index) ? [] : broken("went on with what it had not begun");
    if (delta.type === "citations_delta") loseOfAnswer(losses, `content[${index}].citations`, "citations");
    if (delta.type === "signature_delta") block.signature += delta.signature ?? "";
    const text = { text: delta.text, thinking: delta.thinking, call: delta.partial_json }[block.kind];
    if (!text) return [];
    block.whole = "";
    if (block.kind === "call") block.args += text;
    return [{ kind: "delta", key: block.key, text }];
  };
  const end = ({ index }: Wire<"content_block_stop">): HubEvent[] => {
    const block = open.get(index);
    if (block === undefined) return [];
    open.delete(index);
    const said: HubEvent[] = block.whole === "" ? [] : [{ kind: "delta", key: block.key, text: block.whole }];
    const signature = block.signature === "" ? undefined : sealThought("signature", block.signature, scope);
    const proof: HubEvent[] = signature === undefined ? [] : [{ kind: "signature", key: block.key, signature }];
    const args = block.whole || block.args;
    if (block.kind !== "call" || (args !== "" && inputOf({ callKind: "function", argsRaw: args }) !== undefined))
      return [...said, ...proof, ...over([block])];
    halves.push(block);
    return said;
  };
  const finish = (): HubEvent[] => {
    if (stop === undefined) return broken("ended its answer without a reason");
    phase = "over";
    const ended = leavesHalves(stop) ? [] : over(halves);
    return [...ended, ...(usage === undefined ? [] : [{ kind: "usage", usage } as const]), { kind: "stop", stop }];
  };

  const take = (type: string, data: string): HubEvent[] => {
    const as = <Name extends keyof typeof schemas>(name: Name): Wire<Name> | undefined => {
      return fitting(schemas[name], parseJson(data)) as Wire<Name> | undefined;
    };
    const strange = () => broken("sent something that is not an event of an answer");
    switch (type) {
      case "error":
        return fail(errorOf(parseJson(data)));
      case "message_start": {
        const event = as("message_start");
        if (event === undefined) return strange();
        if (event.message.usage) usage = usageOf(event.message.usage);
        // Told now too, so that the cost of an answer that breaks off is known.
        return [{ kind: "start" }, ...(usage === undefined ? [] : [{ kind: "usage", usage } as const])];
      }
      case "content_block_start":
        return ((event) => (event === undefined ? strange() : begin(event)))(as("content_block_start"));
      case "content_block_delta":
        return ((event) => (event === undefined ? strange() : go(event)))(as("content_block_delta"));
      case "content_block_stop":
        return ((event) => (event === undefined ? strange() : end(event)))(as("content_block_stop"));
      case "message_delta": {
        const event = as("message_delta");
        if (event === undefined) return strange();
        if (event.usage) usage = usageOf(event.usage, usage);
        if (event.delta.stop_reason) stop = stopOf(event.delta.stop_reason, event.delta.stop_sequence);
        return [];
      }
      case "message_stop":
        // Half a word is none.
        return parseJson(data) === undefined ? strange() : finish();
      default:
        return [];
    }
  };

  const typeOf = (event: SseEvent): string => {
    if (event.event !== "message") return event.event;
    const body = parseJson(event.data);
    return isObject(body) && typeof body["type"] === "string" ? body["type"] : "";
  };

  return {
    losses,
    push(event) {
      if (phase === "over" || event.data.trim() === "") return [];
      phase = "running";
      return take(typeOf(event), event.data);
    },
    end: () => (phase === "over" ? [] : fail(upstreamFailure(CUT))),
  };
}
