// Hub events → Responses events: the whole lifecycle of every item, each with an index of its own, so blocks that overlap need not wait for
// each other. A stream that failed ends with `response.failed`.

import type { BlockHead, BlockKey, HubEvent, Stop, Usage } from "../canonical.ts";
import type { AnswerMeta, StreamEncoder } from "../dialect.ts";
import type { WireError } from "../errors.ts";
import { estimateTokens } from "../estimate.ts";
import { formatSse } from "../sse.ts";
import * as answer from "./client-answer.ts";

/** An item is announced with its first word, a call at once: then what is never said is never seen. */
type Open = { head: BlockHead; id: string; index: number; said: string; signature?: string; status: answer.ItemStatus };

/** An encoder for one answer. */
export function encodeStream(meta: AnswerMeta): StreamEncoder {
  const blocks = new Map<BlockKey, Open>();
  const items: Open[] = [];
  let phase: "waiting" | "running" | "over" = "waiting";
  let sequence = 0;
  let characters = 0;
  let usage: Usage | null = null;

  const emit = (type: string, members: answer.Item) =>
    formatSse(type, JSON.stringify({ type, sequence_number: sequence++, ...members }));
  const about = ({ id, index }: Open) => ({ item_id: id, output_index: index });
  const inText = (block: Open) => ({ ...about(block), content_index: 0 });
  const inSummary = (block: Open) => ({ ...about(block), summary_index: 0 });
  const item = ({ head, id, said, status, signature }: Open) => answer.itemOf(head, id, said, status, signature);
  const isOver = (block: Open) => block.status !== "in_progress";
  const isCustom = ({ head }: Open) => head.kind === "tool_call" && head.callKind === "custom";

  const start = (): string => {
    if (phase !== "waiting") return "";
    phase = "running";
    const response = answer.responseObject(meta, { status: "in_progress" });
    return emit("response.created", { response }) + emit("response.in_progress", { response });
  };
  const announce = (block: Open): string => {
    if (block.index >= 0) return "";
    block.index = items.length;
    block.id = answer.itemId(block.head, meta.id, block.index);
    items.push(block);
    const added = emit("response.output_item.added", { output_index: block.index, item: item(block) });
    if (block.head.kind !== "text") return added;
    return added + emit("response.content_part.added", { ...inText(block), part: answer.textPart("") });
  };
  const append = (block: Open, delta: string): string => {
    if (delta === "" || isOver(block)) return "";
    characters += delta.length;
    let out = announce(block);
    if (block.head.kind === "thinking" && block.said === "") {
      out += emit("response.reasoning_summary_part.added", { ...inSummary(block), part: answer.summaryPart("") });
    }
    block.said += delta;
    switch (block.head.kind) {
      case "text":
        return out + emit("response.output_text.delta", { ...inText(block), delta, logprobs: [] });
      case "thinking":
        return out + emit("response.reasoning_summary_text.delta", { ...inSummary(block), delta });
      case "tool_call": {
        const what = isCustom(block) ? "custom_tool_call_input" : "function_call_arguments";
        return out + emit(`response.${what}.delta`, { ...about(block), delta });
      }
    }
  };
  const finished = (block: Open): string => {
    const { said: text } = block;
    switch (block.head.kind) {
      case "text": {
        const part = { ...inText(block), part: answer.textPart(text) };
        return (
          emit("response.output_text.done", { ...inText(block), text, logprobs: [] }) +
          emit("response.content_part.done", part)
        );
      }
      case "thinking":
        if (text === "") return "";
        return (
          emit("response.reasoning_summary_text.done", { ...inSummary(block), text }) +
          emit("response.reasoning_summary_part.done", { ...inSummary(block), part: answer.summaryPart(text) })
        );
      case "tool_call":
        return isCustom(block)
          ? emit("response.custom_tool_call_input.done", { ...about(block), input: text })
          : emit("response.function_call_arguments.done", { ...about(block), arguments: text });
    }
  };
  const close = (block: Open, status: answer.ItemStatus): string => {
    if (isOver(block) || block.index < 0) return "";
    // A call without arguments is a call with none, which a client reads as JSON all the same.
    const blank = block.head.kind === "tool_call" && !isCustom(block) && block.said.trim() === "";
    const out = (blank ? append(block, "{}") : "") + finished(block);
    block.status = status;
    return out + emit("response.output_item.done", { output_index: block.index, item: item(block) });
  };
  const finish = (stop: Stop): string => {
    const ending = answer.endingOf(stop);
    const isCall = ({ head }: Open) => head.kind === "tool_call";
    let out = start();
    for (const block of blocks.values()) {
      // A call that was cut, or refused, is never finished: it must not run.
      if (!isCall(block) || ending.status === "completed") out += close(block, ending.status);
    }
    const told = items.filter((block) => isOver(block) && !(isCall(block) && stop.kind === "refusal"));
    const output = told.map(item);
    const cost = answer.usageMembers(usage, { input: meta.estimate ?? 0, output: estimateTokens(characters) });
    out += emit(`response.${ending.status}`, {
      response: answer.responseObject(meta, { ...ending, output, usage: cost }),
    });
    phase = "over";
    return out;
  };
  const fail = (error: WireError, passed = 0): string => {
    if (phase === "over") return "";
    phase = "over";
    sequence += passed;
    const state = { status: "failed", error: answer.errorMembers(error) } as const;
    return emit("response.failed", { response: answer.responseObject(meta, state) });
  };
  const begin = (key: BlockKey, head: BlockHead): string => {
    // What a provider runs itself is not the client's to run.
    if (head.kind === "tool_call" && head.callKind === "server") return "";
    const block: Open = { head, id: "", index: -1, said: "", status: "in_progress" };
    blocks.set(key, block);
    const now = head.kind === "tool_call" || (head.kind === "thinking" && head.redacted !== undefined);
    return now ? announce(block) : "";
  };
  const on = (key: BlockKey, act: (block: Open) => string): string => {
    const block = blocks.get(key);
    return block === undefined ? "" : act(block);
  };

  return {
    keepsWords: true,
    push(event: HubEvent) {
      if (phase === "over") return "";
      switch (event.kind) {
        case "start":
          return start();
        case "blockStart":
          return start() + begin(event.key, event.head);
        case "delta":
          return on(event.key, (block) => append(block, event.text));
        case "signature":
          return on(event.key, (block) => {
            block.signature = event.signature;
            return announce(block);
          });
        case "blockEnd":
          return on(event.key, (block) => close(block, "completed"));
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
