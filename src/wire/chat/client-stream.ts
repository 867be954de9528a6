// Hub events → Chat chunks. A stream that failed ends with an error chunk and without `[DONE]`.

import type { Json } from "#src/core/json.ts";
import type { BlockHead, BlockKey, HubEvent, Stop, Usage } from "../canonical.ts";
import type { AnswerMeta, StreamEncoder } from "../dialect.ts";
import type { WireError } from "../errors.ts";
import { leavesHalves } from "../custom.ts";
import { estimateTokens } from "../estimate.ts";
import { formatSse } from "../sse.ts";
import { answerHead, finishReason, isLegacy, usageMembers } from "./client-answer.ts";
import { makeThoughts, type Thought } from "./client-thoughts.ts";
import { errorBody } from "./errors.ts";

/** `index` counts tool calls; `thought` is kept for what proves it. */
type Open = { head: BlockHead; index: number; blank: boolean; thought?: Thought };

/** An encoder for one answer. */
export function encodeStream(meta: AnswerMeta): StreamEncoder {
  const head = answerHead("chat.completion.chunk", meta);
  const legacy = isLegacy(meta);
  const blocks = new Map<BlockKey, Open>();
  const thoughts = makeThoughts();
  let phase: "waiting" | "running" | "over" = "waiting";
  let calls = 0;
  let characters = 0;
  let usage: Usage | null = null;

  const data = (body: Json) => formatSse(undefined, JSON.stringify(body));
  const chunk = (delta: Json, reason: string | null = null) =>
    data({ ...head, choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }] });
  const call = ({ index }: Open, members: { [key: string]: Json }): string => {
    if (!legacy) return chunk({ tool_calls: [{ index, ...members }] });
    // The older form has one call.
    return index === 0 ? chunk({ function_call: members["function"] ?? null }) : "";
  };

  const start = (): string => {
    if (phase !== "waiting") return "";
    phase = "running";
    return chunk({ role: "assistant", content: "" });
  };
  const begin = (key: BlockKey, given: BlockHead): string => {
    const block: Open = { head: given, index: given.kind === "tool_call" ? calls++ : 0, blank: true };
    blocks.set(key, block);
    if (given.kind === "thinking") block.thought = thoughts.add({ text: "", proof: given.redacted });
    if (given.kind === "text") thoughts.text();
    if (given.kind !== "tool_call") return "";
    thoughts.call(given.id);
    const { id, name } = given;
    return given.callKind === "custom"
      ? call(block, { id, type: "custom", custom: { name, input: "" } })
      : call(block, { id, type: "function", function: { name, arguments: "" } });
  };
  const args = (block: Open, text: string): string =>
    block.head.kind === "tool_call" && block.head.callKind === "custom"
      ? call(block, { custom: { input: text } })
      : call(block, { function: { arguments: text } });
  const append = (block: Open, text: string): string => {
    characters += text.length;
    if (text.trim() !== "") block.blank = false;
    switch (block.head.kind) {
      case "text":
        return chunk({ content: text });
      case "thinking":
        block.thought!.text += text;
        return chunk({ reasoning_content: text });
      case "tool_call":
        return args(block, text);
    }
  };
  const end = (block: Open): string => {
    // A call without arguments is a call with none, which a client reads as JSON all the same.
    const none = block.head.kind === "tool_call" && block.head.callKind === "function" && block.blank;
    return none ? args(block, "{}") : "";
  };
  const finish = (stop: Stop): string => {
    const open = leavesHalves(stop) ? [] : [...blocks.values()];
    const proofs = thoughts.members();
    const proven = proofs.reasoning_details === undefined ? "" : chunk(proofs);
    const out = start() + open.map(end).join("") + proven + chunk({}, finishReason(stop, legacy));
    phase = "over";
    const cost = usageMembers(usage, { input: meta.estimate ?? 0, output: estimateTokens(characters) });
    const told = meta.request?.streamUsage === true ? data({ ...head, choices: [], usage: cost }) : "";
    return `${out}${told}data: [DONE]\n\n`;
  };
  const fail = (error: WireError): string => {
    if (phase === "over") return "";
    phase = "over";
    return data(errorBody(error));
  };

  return {
    push(event: HubEvent) {
      if (phase === "over") return "";
      switch (event.kind) {
        case "start":
          return start();
        case "blockStart":
          return start() + begin(event.key, event.head);
        case "delta": {
          const block = blocks.get(event.key);
          return block === undefined || event.text === "" ? "" : append(block, event.text);
        }
        case "signature": {
          const block = blocks.get(event.key);
          if (block?.thought !== undefined) block.thought.proof = event.signature;
          return "";
        }
        case "blockEnd": {
          const block = blocks.get(event.key);
          blocks.delete(event.key);
          return block === undefined ? "" : end(block);
        }
        case "usage":
          usage = event.usage;
          return "";
        case "stop":
          return finish(event.stop);
        case "error":
          return fail(event.error);
      }
    },
    fail,
    ping: () => (phase === "over" ? "" : ": keep-alive\n\n"),
  };
}
