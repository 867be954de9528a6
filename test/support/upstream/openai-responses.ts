import type { Json } from "#src/core/json.ts";
import { cutText, type Part, type Say, tokensOf, type Turn } from "./script.ts";
import { interleave, list, named, object, type Speaker, string } from "./speaker.ts";

function textOf(content: Json | undefined): string {
  if (typeof content === "string") return content;
  return list(content)
    .map((part) => string(object(part)["text"]))
    .join("");
}

function readItem(raw: Json): Turn[] {
  const item = object(raw);
  const none = { text: "", calls: [], results: [] };
  switch (item["type"] ?? "message") {
    case "message": {
      const role = string(item["role"]);
      const turn = role === "assistant" ? "assistant" : role === "user" ? "user" : "system";
      return [{ ...none, role: turn, text: textOf(item["content"]) }];
    }
    case "function_call":
    case "custom_tool_call": {
      const args = string(item["arguments"] ?? item["input"]);
      return [
        { ...none, role: "assistant", calls: [{ id: string(item["call_id"]), name: string(item["name"]), args }] },
      ];
    }
    case "function_call_output":
    case "custom_tool_call_output":
      return [{ ...none, role: "user", results: [{ id: string(item["call_id"]), text: textOf(item["output"]) }] }];
    default:
      return [];
  }
}

/** Items of one turn come one by one here; a model's turn is what stands between two of somebody else's. */
function joinTurns(items: Turn[]): Turn[] {
  const turns: Turn[] = [];
  for (const item of items) {
    const last = turns.at(-1);
    if (last?.role === "assistant" && item.role === "assistant") {
      turns[turns.length - 1] = { ...last, text: last.text + item.text, calls: [...last.calls, ...item.calls] };
    } else turns.push(item);
  }
  return turns;
}

function itemOf(part: Part, id: number, index: number): { [key: string]: Json; type: string; id: string } {
  switch (part.kind) {
    case "text":
      return {
        type: "message",
        id: `msg_${id}_${index}`,
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: part.text, annotations: [] }],
      };
    case "thinking":
      return {
        type: "reasoning",
        id: `rs_${id}_${index}`,
        summary: [{ type: "summary_text", text: part.text }],
        ...(part.signature === undefined ? {} : { encrypted_content: part.signature }),
      };
    case "tool":
      return {
        type: "function_call",
        id: `fc_${id}_${index}`,
        call_id: part.id ?? `call_${id}_${index}`,
        name: part.name,
        arguments: JSON.stringify(part.input),
        status: "completed",
      };
  }
}

function statusOf(reply: Say): { [key: string]: Json } {
  if (reply.stop === "length") return { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } };
  if (reply.stop === "refusal") return { status: "incomplete", incomplete_details: { reason: "content_filter" } };
  return { status: "completed", incomplete_details: null };
}

function responseOf(reply: Say, model: string, id: number): { [key: string]: Json } {
  const { input, output, cached } = tokensOf(reply);
  return {
    id: `resp_${id}`,
    object: "response",
    created_at: 1_760_000_000,
    model,
    ...statusOf(reply),
    error: null,
    output: reply.parts.map((part, index) => itemOf(part, id, index)),
    usage: {
      input_tokens: input,
      input_tokens_details: { cached_tokens: cached },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: input + output,
    },
  };
}

type Event = { type: string; [key: string]: Json };

function partEvents(part: Part, id: number, index: number, pieces: number): Event[] {
  const item = itemOf(part, id, index);
  const at = { item_id: item.id, output_index: index };
  const done: Event = { type: "response.output_item.done", output_index: index, item };
  const added = (shell: { [key: string]: Json }): Event => ({
    type: "response.output_item.added",
    output_index: index,
    item: { ...item, status: "in_progress", ...shell },
  });
  if (part.kind === "tool") {
    const args = JSON.stringify(part.input);
    return [
      added({ arguments: "" }),
      ...cutText(args, pieces).map((delta) => ({ type: "response.function_call_arguments.delta", ...at, delta })),
      { type: "response.function_call_arguments.done", ...at, arguments: args },
      done,
    ];
  }
  if (part.kind === "thinking") {
    const inPart = { ...at, summary_index: 0 };
    return [
      added({ summary: [] }),
      { type: "response.reasoning_summary_part.added", ...inPart, part: { type: "summary_text", text: "" } },
      ...cutText(part.text, pieces).map((delta) => ({
        type: "response.reasoning_summary_text.delta",
        ...inPart,
        delta,
      })),
      { type: "response.reasoning_summary_text.done", ...inPart, text: part.text },
      { type: "response.reasoning_summary_part.done", ...inPart, part: { type: "summary_text", text: part.text } },
      done,
    ];
  }
  const inPart = { ...at, content_index: 0 };
  const content = { type: "output_text", text: part.text, annotations: [] };
  return [
    added({ content: [] }),
    { type: "response.content_part.added", ...inPart, part: { ...content, text: "" } },
    ...cutText(part.text, pieces).map((delta) => ({ type: "response.output_text.delta", ...inPart, delta })),
    { type: "response.output_text.done", ...inPart, text: part.text },
    { type: "response.content_part.done", ...inPart, part: content },
    done,
  ];
}

export const openaiResponses: Speaker = {
  dialect: "openai-responses",
  matches: (path) => path.endsWith("/responses"),
  read(raw) {
    const body = object(raw);
    const input = body["input"];
    const items = typeof input === "string" ? [{ type: "message", role: "user", content: input }] : list(input);
    const instructions = string(body["instructions"]);
    return {
      model: string(body["model"]),
      stream: body["stream"] === true,
      history: joinTurns([
        ...(instructions === "" ? [] : [{ role: "system" as const, text: instructions, calls: [], results: [] }]),
        ...items.flatMap(readItem),
      ]),
      tools: list(body["tools"]).map((tool) => string(object(tool)["name"]) || string(object(tool)["type"])),
    };
  },
  whole: (reply, asked, id) => responseOf(reply, asked.model, id),
  frames(reply, asked, id) {
    const whole = responseOf(reply, asked.model, id);
    const open = { ...whole, status: "in_progress", output: [], usage: null };
    const parts = reply.parts.map((part, index) => partEvents(part, id, index, reply.pieces ?? 2));
    const last = whole["status"] === "completed" ? "response.completed" : "response.incomplete";
    const events: Event[] = [
      { type: "response.created", response: open },
      { type: "response.in_progress", response: open },
      ...(reply.interleave ? interleave(parts) : parts.flat()),
      { type: last, response: whole },
    ];
    return events.map((event, sequence_number) => named({ ...event, sequence_number }));
  },
  error: (status, message) => ({
    error: { message, type: status === 429 ? "rate_limit_error" : "error", param: null, code: null },
  }),
  errorFrame: (message) =>
    named({
      type: "response.failed",
      sequence_number: 99,
      response: { id: "resp_failed", object: "response", status: "failed", error: { code: "server_error", message } },
    }),
};
