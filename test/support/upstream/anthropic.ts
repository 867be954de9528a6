import type { Json } from "#src/core/json.ts";
import { cutText, hasTools, type Part, type Say, tokensOf, type Turn } from "./script.ts";
import { list, named, object, type Speaker, string } from "./speaker.ts";

function textOf(content: Json | undefined): string {
  if (typeof content === "string") return content;
  return list(content)
    .map((block) => string(object(block)["text"]))
    .join("");
}

function readTurn(raw: Json): Turn {
  const { role, content } = object(raw);
  const blocks = list(content).map(object);
  return {
    role: role === "assistant" || role === "system" ? role : "user",
    text: textOf(content),
    calls: blocks
      .filter((block) => block["type"] === "tool_use")
      .map((block) => ({ id: string(block["id"]), name: string(block["name"]), args: JSON.stringify(block["input"]) })),
    results: blocks
      .filter((block) => block["type"] === "tool_result")
      .map((block) => ({ id: string(block["tool_use_id"]), text: textOf(block["content"]) })),
  };
}

const blockId = (part: Part, id: number, index: number) =>
  part.kind === "tool" ? (part.id ?? `toolu_${id}_${index}`) : "";

function wholeBlock(part: Part, id: number, index: number): Json {
  switch (part.kind) {
    case "text":
      return { type: "text", text: part.text };
    case "thinking":
      return { type: "thinking", thinking: part.text, signature: part.signature ?? "c2ln" };
    case "tool":
      return { type: "tool_use", id: blockId(part, id, index), name: part.name, input: part.input };
  }
}

function startBlock(part: Part, id: number, index: number): Json {
  switch (part.kind) {
    case "text":
      return { type: "text", text: "" };
    case "thinking":
      return { type: "thinking", thinking: "", signature: "" };
    case "tool":
      return { type: "tool_use", id: blockId(part, id, index), name: part.name, input: {} };
  }
}

function deltas(part: Part, pieces: number): Json[] {
  switch (part.kind) {
    case "text":
      return cutText(part.text, pieces).map((text) => ({ type: "text_delta", text }));
    case "thinking":
      return [
        ...cutText(part.text, pieces).map((thinking) => ({ type: "thinking_delta", thinking })),
        { type: "signature_delta", signature: part.signature ?? "c2ln" },
      ];
    case "tool":
      return cutText(JSON.stringify(part.input), pieces).map((partial_json) => ({
        type: "input_json_delta",
        partial_json,
      }));
  }
}

function stopOf(reply: Say): string {
  if (reply.stop === "length") return "max_tokens";
  if (reply.stop === "refusal") return "refusal";
  return hasTools(reply) ? "tool_use" : "end_turn";
}

const errorTypes: Record<number, string> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  422: "invalid_request_error",
  429: "rate_limit_error",
  503: "overloaded_error",
  529: "overloaded_error",
};

export const anthropic: Speaker = {
  dialect: "anthropic",
  matches: (path) => /\/messages$/.test(path),
  read(raw) {
    const body = object(raw);
    const system = textOf(body["system"]);
    return {
      model: string(body["model"]),
      stream: body["stream"] === true,
      history: [
        ...(system === "" ? [] : [{ role: "system" as const, text: system, calls: [], results: [] }]),
        ...list(body["messages"]).map(readTurn),
      ],
      tools: list(body["tools"]).map((tool) => string(object(tool)["name"])),
    };
  },
  whole(reply, asked, id) {
    const tokens = tokensOf(reply);
    return {
      id: `msg_${id}`,
      type: "message",
      role: "assistant",
      model: asked.model,
      content: reply.parts.map((part, index) => wholeBlock(part, id, index)),
      stop_reason: stopOf(reply),
      stop_sequence: null,
      usage: {
        input_tokens: tokens.input - tokens.cached,
        output_tokens: tokens.output,
        cache_read_input_tokens: tokens.cached,
        cache_creation_input_tokens: 0,
      },
    };
  },
  frames(reply, asked, id) {
    const tokens = tokensOf(reply);
    const usage = {
      input_tokens: tokens.input - tokens.cached,
      cache_read_input_tokens: tokens.cached,
      cache_creation_input_tokens: 0,
      output_tokens: 1,
    };
    const head = { id: `msg_${id}`, type: "message", role: "assistant", model: asked.model, content: [] };
    return [
      named({ type: "message_start", message: { ...head, stop_reason: null, stop_sequence: null, usage } }),
      ...reply.parts.flatMap((part, index) => [
        named({ type: "content_block_start", index, content_block: startBlock(part, id, index) }),
        ...deltas(part, reply.pieces ?? 2).map((delta) => named({ type: "content_block_delta", index, delta })),
        named({ type: "content_block_stop", index }),
      ]),
      named({
        type: "message_delta",
        delta: { stop_reason: stopOf(reply), stop_sequence: null },
        usage: { output_tokens: tokens.output },
      }),
      named({ type: "message_stop" }),
    ];
  },
  error: (status, message) => ({ type: "error", error: { type: errorTypes[status] ?? "api_error", message } }),
  errorFrame: (message) => named({ type: "error", error: { type: "overloaded_error", message } }),
};
