// Hub events → Anthropic's SSE. Its blocks come one at a time, so what arrives for a later block waits until the earlier one ends. A stream
// that failed is never given a normal end.

import { type Json, quoteJson } from "#src/core/json.ts";
import type { BlockHead, BlockKey, HubEvent, Stop, Usage } from "../canonical.ts";
import type { AnswerMeta, StreamEncoder } from "../dialect.ts";
import type { WireError } from "../errors.ts";
import { formatSse } from "../sse.ts";
import { estimateTokens } from "../estimate.ts";
import { stopMembers, usageMembers } from "./answer.ts";
import { errorBody } from "./errors.ts";

/** `deltas` are what waits in JSON until the block begins, signatures apart; `start` is what each of its words then begins with. */
type Pending = {
  head: BlockHead;
  index: number;
  start: string;
  deltas: { kind: "words" | "signature"; json: string }[];
  blank: boolean;
  ended: boolean;
};

function contentBlock(head: BlockHead): Json {
  switch (head.kind) {
    case "text":
      return { type: "text", text: "" };
    case "thinking":
      if (head.redacted !== undefined) return { type: "redacted_thinking", data: head.redacted };
      return { type: "thinking", thinking: "", signature: "" };
    case "tool_call":
      return {
        type: head.callKind === "server" ? "server_tool_use" : "tool_use",
        id: head.id,
        name: head.name,
        input: {},
      };
  }
}

const DELTAS = {
  text: '"text_delta","text"',
  thinking: '"thinking_delta","thinking"',
  tool_call: '"input_json_delta","partial_json"',
  signature: '"signature_delta","signature"',
} as const;

/** An event up to what it says, which is in JSON. Nearly all events are these: to write each of them as an object took most of its time. */
function deltaStart(index: number, kind: keyof typeof DELTAS): string {
  return `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":${DELTAS[kind]}:`;
}
const DELTA_END = "}}\n\n";

function sse(body: { type: string; [key: string]: Json }): string {
  return formatSse(body.type, JSON.stringify(body));
}

/** An encoder for one answer. */
export function encodeStream(meta: AnswerMeta): StreamEncoder {
  const blocks = new Map<BlockKey, Pending>();
  let phase: "waiting" | "running" | "over" = "waiting";
  let open: Pending | undefined;
  let queue: Pending[] = [];
  let count = 0;
  let characters = 0;
  let usage: Usage | null = null;

  const start = (): string => {
    if (phase !== "waiting") return "";
    phase = "running";
    const head = { id: meta.id, type: "message", role: "assistant", model: meta.model, content: [] };
    const cost = usageMembers(usage, { input: meta.estimate ?? 0, output: 0 });
    return sse({ type: "message_start", message: { ...head, stop_reason: null, stop_sequence: null, usage: cost } });
  };

  const deltaOf = (block: Pending, kind: "words" | "signature", json: string): string =>
    `${kind === "words" ? block.start : deltaStart(block.index, kind)}${json}${DELTA_END}`;

  const begin = (block: Pending): string => {
    open = block;
    block.index = count++;
    block.start = deltaStart(block.index, block.head.kind);
    const head = sse({ type: "content_block_start", index: block.index, content_block: contentBlock(block.head) });
    const deltas = block.deltas.map(({ kind, json }) => deltaOf(block, kind, json)).join("");
    block.deltas = [];
    return head + deltas;
  };

  const close = (block: Pending): string => {
    // A call without arguments is a call with none, which a client reads as JSON all the same.
    const none = block.head.kind === "tool_call" && block.blank ? deltaOf(block, "words", '"{}"') : "";
    return `${none}${sse({ type: "content_block_stop", index: block.index })}`;
  };

  const advance = (): string => {
    let out = "";
    while (open === undefined || open.ended) {
      if (open !== undefined) out += close(open);
      open = undefined;
      const next = queue.shift();
      if (next === undefined) break;
      out += begin(next);
    }
    return out;
  };

  const append = (key: BlockKey, kind: "words" | "signature", text: string): string => {
    const block = blocks.get(key);
    if (block === undefined || block.ended) return "";
    if (kind === "words") {
      characters += text.length;
      if (block.blank && text.trim() !== "") block.blank = false;
    }
    const json = quoteJson(text);
    if (block === open) return deltaOf(block, kind, json);
    block.deltas.push({ kind, json });
    return "";
  };

  const finish = (stop: Stop): string => {
    // What a refused answer wanted to call must not run; calls that were not shown yet are left out.
    if (stop.kind === "refusal") queue = queue.filter((block) => block.head.kind !== "tool_call");
    for (const block of blocks.values()) block.ended = true;
    const cost = usageMembers(usage, { input: meta.estimate ?? 0, output: estimateTokens(characters) });
    const out = start() + advance() + sse({ type: "message_delta", delta: stopMembers(stop), usage: cost });
    phase = "over";
    return out + sse({ type: "message_stop" });
  };

  const fail = (error: WireError): string => {
    if (phase === "over") return "";
    phase = "over";
    return formatSse("error", JSON.stringify(errorBody(error)));
  };

  return {
    push(event: HubEvent) {
      if (phase === "over") return "";
      switch (event.kind) {
        case "start":
          return start();
        case "blockStart": {
          const block = { head: event.head, index: 0, start: "", deltas: [], blank: true, ended: false };
          blocks.set(event.key, block);
          queue.push(block);
          return start() + (open === undefined ? advance() : "");
        }
        case "delta":
          return append(event.key, "words", event.text);
        case "signature":
          return append(event.key, "signature", event.signature);
        case "blockEnd": {
          const block = blocks.get(event.key);
          if (block === undefined) return "";
          block.ended = true;
          return block === open ? advance() : "";
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
    ping: () => (phase === "over" ? "" : sse({ type: "ping" })),
  };
}
