import type { Json } from "#src/core/json.ts";
import { cutText, hasTools, type Part, type Say, tokensOf, type Turn } from "./script.ts";
import { data, interleave, list, object, type Speaker, string } from "./speaker.ts";

function textOf(content: Json | undefined): string {
  if (typeof content === "string") return content;
  return list(content)
    .map((part) => string(object(part)["text"]))
    .join("");
}

function readTurn(raw: Json): Turn {
  const message = object(raw);
  const role = string(message["role"]);
  const text = textOf(message["content"]);
  if (role === "tool") {
    return { role: "user", text: "", calls: [], results: [{ id: string(message["tool_call_id"]), text }] };
  }
  return {
    role: role === "assistant" ? "assistant" : role === "user" ? "user" : "system",
    text,
    calls: list(message["tool_calls"])
      .map(object)
      .map((call) => {
        const made = object(call["function"]);
        return { id: string(call["id"]), name: string(made["name"]), args: string(made["arguments"]) };
      }),
    results: [],
  };
}

type Tool = Extract<Part, { kind: "tool" }>;
const toolsOf = (reply: Say): Tool[] => reply.parts.filter((part) => part.kind === "tool");
const joined = (reply: Say, kind: "text" | "thinking") =>
  reply.parts.flatMap((part) => (part.kind === kind ? [part.text] : [])).join("");
/** Thoughts that are signed, as OpenRouter tells them. */
const detailsOf = (reply: Say) =>
  reply.parts.flatMap((part, index) =>
    part.kind === "thinking" && part.signature !== undefined
      ? [{ type: "reasoning.text", text: part.text, signature: part.signature, format: "anthropic-claude-v1", index }]
      : [],
  );

function thoughtDeltas(reply: Say, pieces: number): Json[] {
  const details = detailsOf(reply);
  if (details.length === 0)
    return cutText(joined(reply, "thinking"), pieces).map((text) => ({ reasoning_content: text }));
  return details.flatMap(({ signature, text: whole, ...detail }): Json[] => [
    ...cutText(whole, pieces).map((text) => ({ reasoning_content: text, reasoning_details: [{ ...detail, text }] })),
    { reasoning_details: [{ ...detail, text: "", signature }] },
  ]);
}
const callId = (part: Tool, id: number, index: number) => part.id ?? `call_${id}_${index}`;

function finishOf(reply: Say): string {
  if (reply.stop === "length") return "length";
  if (reply.stop === "refusal") return "content_filter";
  return hasTools(reply) ? "tool_calls" : "stop";
}

function usageOf(reply: Say): Json {
  const { input, output, cached } = tokensOf(reply);
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
  };
}

function callDeltas(part: Tool, id: number, index: number, pieces: number): Json[] {
  const head = { index, id: callId(part, id, index), type: "function", function: { name: part.name, arguments: "" } };
  const rest = cutText(JSON.stringify(part.input), pieces).map((text) => ({ index, function: { arguments: text } }));
  return [head, ...rest].map((call) => ({ tool_calls: [call] }));
}

export const openaiChat: Speaker = {
  dialect: "openai-chat",
  matches: (path) => path.endsWith("/chat/completions"),
  read(raw) {
    const body = object(raw);
    return {
      model: string(body["model"]),
      stream: body["stream"] === true,
      history: list(body["messages"]).map(readTurn),
      tools: list(body["tools"]).map((tool) => string(object(object(tool)["function"])["name"])),
    };
  },
  whole(reply, asked, id) {
    const thinking = joined(reply, "thinking");
    const calls = toolsOf(reply).map((part, index) => ({
      id: callId(part, id, index),
      type: "function",
      function: { name: part.name, arguments: JSON.stringify(part.input) },
    }));
    const message = {
      role: "assistant",
      content: joined(reply, "text"),
      ...(thinking === "" ? {} : { reasoning_content: thinking }),
      ...(detailsOf(reply).length === 0 ? {} : { reasoning_details: detailsOf(reply) }),
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    };
    return {
      id: `chatcmpl-${id}`,
      object: "chat.completion",
      created: 1_760_000_000,
      model: asked.model,
      choices: [{ index: 0, message, finish_reason: finishOf(reply) }],
      usage: usageOf(reply),
    };
  },
  frames(reply, asked, id) {
    const pieces = reply.pieces ?? 2;
    const base = { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created: 1_760_000_000, model: asked.model };
    const chunk = (delta: Json, finish: string | null = null) =>
      data({ ...base, choices: [{ index: 0, delta, finish_reason: finish }] });
    const calls = toolsOf(reply).map((part, index) => callDeltas(part, id, index, pieces));
    return [
      chunk({ role: "assistant", content: "" }),
      ...thoughtDeltas(reply, pieces).map((delta) => chunk(delta)),
      ...cutText(joined(reply, "text"), pieces).map((text) => chunk({ content: text })),
      ...(reply.interleave ? interleave(calls) : calls.flat()).map((delta) => chunk(delta)),
      chunk({}, finishOf(reply)),
      data({ ...base, choices: [], usage: usageOf(reply) }),
      "data: [DONE]\n\n",
    ];
  },
  error: (status, message) => ({ error: { message, type: status === 429 ? "rate_limit_error" : "error", code: null } }),
  errorFrame: (message) => data({ error: { message, code: 502 } }),
};
