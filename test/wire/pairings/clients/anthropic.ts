// A client of Anthropic's dialect, as its SDK reads and writes it.

import { type Json, parseJson } from "#src/core/json.ts";
import {
  type Answer,
  asList,
  asMembers,
  asNumber,
  asText,
  type Client,
  eventsOf,
  given,
  insist,
  type Line,
  type Members,
  type Paper,
  type Settings,
} from "../words.ts";

const picture = (data: string): Json => ({ type: "image", source: { type: "base64", media_type: "image/png", data } });
const text = (said: string): Json => ({ type: "text", text: said });

function paper({ title, text: said, pdf }: Paper): Json {
  const source =
    pdf === undefined
      ? { type: "text", media_type: "text/plain", data: said ?? "" }
      : { type: "base64", media_type: "application/pdf", data: pdf };
  return { type: "document", title, source };
}

function userContent(line: Extract<Line, { by: "user" | "tools" }>): Json[] {
  if (line.by === "user") {
    const { file } = line;
    return [
      ...(line.shows ?? []).map(picture),
      ...(file === undefined ? [] : [paper(file)]),
      ...(line.text === undefined ? [] : [text(line.text)]),
    ];
  }
  return line.results.map(({ id, text: said, shows, failed }) => ({
    type: "tool_result",
    tool_use_id: id,
    content: shows === undefined ? said : [text(said), ...shows.map(picture)],
    ...(failed ? { is_error: true } : {}),
  }));
}

function modelContent(line: Extract<Line, { by: "model" }>): Json[] {
  return [
    ...(line.text === undefined ? [] : [text(line.text)]),
    ...(line.calls ?? []).map(({ id, name, args }) => ({ type: "tool_use", id, name, input: args })),
  ];
}

function settingsOf({ tools, choice, oneCall, effort, budget, format, ...rest }: Settings): Members {
  const single = oneCall ? { disable_parallel_tool_use: true } : {};
  const words = { auto: "auto", required: "any", none: "none" };
  const chosen = typeof choice === "object" ? { type: "tool", name: choice.tool } : { type: words[choice ?? "auto"] };
  const output = given({ effort, format: format === undefined ? undefined : { type: "json_schema", schema: format } });
  return given({
    max_tokens: rest.limit ?? 4096,
    temperature: rest.temperature,
    top_p: rest.topP,
    top_k: rest.topK,
    stop_sequences: rest.stops,
    metadata: rest.user === undefined ? undefined : { user_id: rest.user },
    thinking: budget === undefined ? undefined : { type: "enabled", budget_tokens: budget },
    output_config: Object.keys(output).length === 0 ? undefined : output,
    tools: tools?.map(({ name, description, schema }) =>
      given({ name, description, input_schema: schema ?? { type: "object" } }),
    ),
    tool_choice: choice === undefined && !oneCall ? undefined : { ...chosen, ...single },
  });
}

function heardOf(message: Members): Answer {
  const content = asList(message["content"]);
  const of = (type: string) => content.filter((block) => block["type"] === type);
  const usage = asMembers(message["usage"]);
  const cached = asNumber(usage["cache_read_input_tokens"]);
  const words: { [key: string]: string } = { end_turn: "end", tool_use: "tools", max_tokens: "limit" };
  const stop = asText(message["stop_reason"]);
  insist(message["role"] === "assistant" && message["type"] === "message", "an answer that is no message");
  insist(
    of("text").every((block) => asText(block["text"]).trim() !== ""),
    "an empty text block",
  );
  return {
    heard: {
      text: of("text")
        .map((block) => asText(block["text"]))
        .join(""),
      thinking: of("thinking")
        .map((block) => asText(block["thinking"]))
        .join(""),
      calls: of("tool_use").map(({ id, name, input }) => ({ id: asText(id), name: asText(name), args: input ?? null })),
      stop: words[stop] ?? stop,
      tokens: {
        input: asNumber(usage["input_tokens"]) + cached + asNumber(usage["cache_creation_input_tokens"]),
        cached,
        output: asNumber(usage["output_tokens"]),
      },
    },
    turn: content,
  };
}

/** Every event in its place: one block open at a time, each begun before it goes on. */
function collect(sse: string): Members {
  let message: Members | undefined;
  const content: Members[] = [];
  let open = false;
  let args = "";
  let over = false;
  for (const { name, data } of eventsOf(sse)) {
    const event = asMembers(parseJson(data));
    insist(event["type"] === name, "an event whose name is not its type");
    insist(!over, "an event behind the last one");
    if (name === "ping") continue;
    if (name === "error") throw new Error(asText(asMembers(event["error"])["message"]));
    if (name === "message_start") {
      insist(message === undefined, "a second message_start");
      message = asMembers(event["message"]);
      insist(asNumber(asMembers(message["usage"])["input_tokens"]) > 0, "usage that begins at nothing");
      continue;
    }
    insist(message !== undefined, "no message_start");
    const block = content.at(-1);
    if (name === "content_block_start") {
      insist(!open && event["index"] === content.length, "a block inside another");
      content.push({ ...asMembers(event["content_block"]) });
      [open, args] = [true, ""];
    } else if (name === "content_block_delta") {
      insist(open && event["index"] === content.length - 1 && block !== undefined, "a delta of no open block");
      const delta = asMembers(event["delta"]);
      for (const [type, member] of [
        ["text", "text"],
        ["thinking", "thinking"],
        ["signature", "signature"],
      ] as const) {
        if (delta["type"] !== `${type}_delta`) continue;
        insist(block["type"] === (type === "signature" ? "thinking" : type), `a ${type} in another block`);
        block[member] = asText(block[member]) + asText(delta[member]);
      }
      args += asText(delta["partial_json"]);
    } else if (name === "content_block_stop") {
      insist(open && event["index"] === content.length - 1 && block !== undefined, "an end of no open block");
      if (args !== "") block["input"] = parseJson(args) ?? null;
      open = false;
    } else if (name === "message_delta") {
      const usage = { ...asMembers(message["usage"]), ...asMembers(event["usage"]) };
      message = { ...message, ...asMembers(event["delta"]), usage };
    } else {
      insist(name === "message_stop" && !open, "an event nobody knows");
      over = true;
    }
  }
  insist(over && message !== undefined, "a stream without its end");
  return { ...message, content };
}

export const anthropic: Client = {
  path: () => "/v1/messages",
  write(lines, settings, stream, turns) {
    const start = lines.findIndex(({ by }) => by !== "system");
    const system = lines.slice(0, start).flatMap((line) => (line.by === "system" ? [text(line.text)] : []));
    const messages = lines.slice(start).map((line, at): Json => {
      if (line.by === "system") return { role: "system", content: line.text };
      if (line.by === "model") return { role: "assistant", content: turns.get(start + at) ?? modelContent(line) };
      return { role: "user", content: userContent(line) };
    });
    return {
      model: "sonnet",
      ...(system.length === 0 ? {} : { system }),
      messages,
      ...settingsOf(settings),
      ...(stream ? { stream } : {}),
    };
  },
  thought: (turn, proof) => [{ type: "thinking", thinking: "hm", signature: proof }, ...asList(turn)],
  hear: heardOf,
  hearStream: (sse) => heardOf(collect(sse)),
  failure: (body) => asText(asMembers(body["error"])["message"]),
};
