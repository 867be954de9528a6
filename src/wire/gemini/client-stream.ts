// Hub events → the chunks of a Gemini stream. Text and thoughts go on as they come; a call cannot be split and waits for its last argument. A
// stream that failed ends with Google's error and never with a finish reason.

import type { BlockHead, BlockKey, HubEvent, Stop, Usage } from "../canonical.ts";
import { inputOf, leavesHalves } from "../custom.ts";
import type { AnswerMeta, StreamEncoder } from "../dialect.ts";
import { MAX_RETRY_AFTER_MS, type WireError } from "../errors.ts";
import { estimateTokens } from "../estimate.ts";
import { formatSse } from "../sse.ts";
import * as answer from "./client-answer.ts";
import { errorBody } from "./errors.ts";

type Call = {
  kind: "call";
  head: Extract<BlockHead, { kind: "tool_call" }>;
  args: string;
  proof: string | undefined;
  ended: boolean;
};
type Open = { kind: "text" | "thinking" } | Call;

/**
 * The reader inside Gemini CLI 0.61 takes an error event for a chunk without content, and sees a failure only in bytes that no blank line ends;
 * without one it runs the calls it has. Everybody else reads a comment.
 */
const BROKEN = ": the answer broke off\n";

/** An encoder for one answer. */
export function encodeStream(meta: AnswerMeta): StreamEncoder {
  const shows = answer.showsThoughts(meta);
  const blocks = new Map<BlockKey, Open>();
  const calls: Call[] = [];
  let over = false;
  let malformed = false;
  let said = false;
  let characters = 0;
  let usage: Usage | null = null;
  // What proves the thinking that came last, until something follows it.
  let proof: string | undefined;

  const data = (body: answer.Part) => formatSse(undefined, JSON.stringify(body));
  const takeProof = () => {
    const taken = proof;
    proof = undefined;
    return taken;
  };
  const part = (given: answer.Part, signature?: string): string => {
    said = true;
    return data(answer.chunk(meta, [answer.signed(given, signature)]));
  };
  const flush = (): string => {
    const left = takeProof();
    return left === undefined ? "" : part({ text: "" }, left);
  };
  const begin = (key: BlockKey, head: BlockHead): string => {
    switch (head.kind) {
      case "text":
        blocks.set(key, { kind: "text" });
        return "";
      case "thinking": {
        const out = flush();
        blocks.set(key, { kind: "thinking" });
        proof = head.redacted;
        return out;
      }
      case "tool_call": {
        // What a provider runs itself is not the client's to run.
        if (head.callKind === "server") return "";
        const call: Call = { kind: "call", head, args: "", proof: takeProof(), ended: false };
        calls.push(call);
        blocks.set(key, call);
        return "";
      }
    }
  };
  const append = (block: Open, text: string): string => {
    if (text === "") return "";
    characters += text.length;
    switch (block.kind) {
      case "text":
        return part({ text }, takeProof());
      case "thinking":
        return shows ? part({ text, thought: true }) : "";
      case "call":
        block.args += text;
        return "";
    }
  };
  const tell = ({ head, args: argsRaw, proof: proven }: Call): string => {
    const args = inputOf({ callKind: head.callKind, argsRaw });
    if (args !== undefined) return part(answer.callPart(head.id, head.name, args), proven);
    malformed = true;
    return proven === undefined ? "" : part({ text: "" }, proven);
  };
  /** Calls go on in the order they began: what proves them is on the first. */
  const release = (): string => {
    let out = "";
    while (calls[0]?.ended) out += tell(calls.shift()!);
    return out;
  };
  const end = (key: BlockKey): string => {
    const block = blocks.get(key);
    blocks.delete(key);
    if (block?.kind !== "call") return "";
    block.ended = true;
    return release();
  };
  const finish = (stop: Stop): string => {
    // What a refused answer wanted to call is never told, nor what a limit cut before its first argument: they must not run.
    const cut = ({ args }: Call) => stop.kind === "refusal" || (leavesHalves(stop) && args.trim() === "");
    for (const call of calls) call.ended ||= !cut(call);
    const out = release() + flush();
    const cost = answer.usageMembers(usage, { input: meta.estimate ?? 0, output: estimateTokens(characters) });
    // Half a call behind a limit is the limit's doing.
    const reason = malformed && !leavesHalves(stop) ? answer.MALFORMED : answer.finishReason(stop);
    over = true;
    return out + data(answer.lastChunk(meta, [], reason, said, cost));
  };
  const fail = (error: WireError): string => {
    if (over) return "";
    over = true;
    const { retryAfterMs: wait } = error;
    const told = wait === undefined ? error : { ...error, retryAfterMs: Math.min(wait, MAX_RETRY_AFTER_MS) };
    return formatSse(undefined, JSON.stringify(errorBody(told))) + BROKEN;
  };

  return {
    push(event: HubEvent) {
      if (over) return "";
      switch (event.kind) {
        case "start":
          return "";
        case "blockStart":
          return begin(event.key, event.head);
        case "delta": {
          const block = blocks.get(event.key);
          return block === undefined ? "" : append(block, event.text);
        }
        case "signature":
          proof = event.signature;
          return "";
        case "blockEnd":
          return end(event.key);
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
    ping: () => (over ? "" : ": keep-alive\n\n"),
  };
}
