// A client of OpenAI's Chat dialect, as its SDK reads and writes it; OpenRouter's clients keep `reasoning_details` too.

import { type Json, parseJson } from "#src/core/json.ts";
import {
  type Answer,
  asList,
  asMembers,
  asNumber,
  asText,
  type Call,
  type Client,
  eventsOf,
  given,
  insist,
  type Line,
  type Members,
  type Paper,
  type Settings,
} from "../words.ts";

const picture = (data: string): Json => ({ type: "image_url", image_url: { url: `data:image/png;base64,${data}` } });

const paper = ({ title, pdf }: Paper): Json => ({
  type: "file",
  file: { filename: title, file_data: `data:application/pdf;base64,${pdf}` },
});

function callMember({ id, name, args }: Call): Json {
  if (typeof args === "string") return { id, type: "custom", custom: { name, input: args } };
  return { id, type: "function", function: { name, arguments: JSON.stringify(args) } };
}

function messagesOf(line: Line, turn: Json | undefined): Json[] {
  switch (line.by) {
    case "system":
      return [{ role: "system", content: line.text }];
    case "user": {
      const shows = (line.shows ?? []).map(picture);
      const papers = line.file === undefined ? [] : [paper(line.file)];
      if (shows.length + papers.length === 0) return [{ role: "user", content: line.text ?? "" }];
      return [
        {
          role: "user",
          content: [...shows, ...papers, ...(line.text === undefined ? [] : [{ type: "text", text: line.text }])],
        },
      ];
    }
    case "model":
      return [
        turn ??
          given({
            role: "assistant",
            content: line.text ?? null,
            tool_calls: line.calls?.map((call) => callMember(call)),
          }),
      ];
    case "tools":
      return line.results.map(({ id, text }) => ({ role: "tool", tool_call_id: id, content: text }));
  }
}

function toolMember({ name, description, schema, free }: NonNullable<Settings["tools"]>[number]): Json {
  const head = given({ name, description });
  if (free) return { type: "custom", custom: head };
  return { type: "function", function: { ...head, parameters: schema ?? { type: "object" } } };
}

function settingsOf({ tools, choice, oneCall, format, ...rest }: Settings): Members {
  const named = (tool: string): Json => ({ type: "function", function: { name: tool } });
  return given({
    max_completion_tokens: rest.limit ?? 4096,
    temperature: rest.temperature,
    top_p: rest.topP,
    top_k: rest.topK,
    stop: rest.stops,
    user: rest.user,
    reasoning_effort: rest.effort,
    reasoning: rest.budget === undefined ? undefined : { max_tokens: rest.budget },
    response_format:
      format === undefined ? undefined : { type: "json_schema", json_schema: { name: "answer", schema: format } },
    tools: tools?.map(toolMember),
    tool_choice: typeof choice === "object" ? named(choice.tool) : choice,
    parallel_tool_calls: oneCall ? false : undefined,
  });
}

function callOf(member: Members): Call {
  const [called, custom] = [asMembers(member["function"]), asMembers(member["custom"])];
  const id = asText(member["id"]);
  if (member["type"] === "custom") return { id, name: asText(custom["name"]), args: asText(custom["input"]) };
  const args = parseJson(asText(called["arguments"]));
  insist(args !== undefined, "arguments that are no JSON");
  return { id, name: asText(called["name"]), args };
}

function heardOf(message: Members, reason: string, usage: Members): Answer {
  const words: { [key: string]: string } = {
    stop: "end",
    tool_calls: "tools",
    length: "limit",
    content_filter: "refusal",
  };
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = usage;
  insist(asNumber(input) + asNumber(output) === asNumber(total), "a total that does not add up");
  insist(message["role"] === "assistant", "an answer by nobody");
  return {
    heard: {
      text: asText(message["content"]),
      thinking: asText(message["reasoning_content"]),
      calls: asList(message["tool_calls"]).map(callOf),
      stop: words[reason] ?? reason,
      tokens: {
        input: asNumber(input),
        cached: asNumber(asMembers(usage["prompt_tokens_details"])["cached_tokens"]),
        output: asNumber(output),
      },
    },
    turn: message,
  };
}

/** One call out of its pieces: what is text grows. */
function grow(into: Members, piece: Members): void {
  for (const [key, value] of Object.entries(piece)) {
    if (key === "index" || value === null) continue;
    if (key === "function" || key === "custom") grow((into[key] ??= {}) as Members, asMembers(value));
    else if (key === "arguments" || key === "input") into[key] = asText(into[key]) + asText(value);
    else into[key] ??= value;
  }
}

function hearStream(sse: string): Answer {
  const message: Members = {};
  const calls: Members[] = [];
  const details: Members[] = [];
  let reason: string | undefined;
  let usage: Members | undefined;
  let over = false;
  for (const { name, data } of eventsOf(sse)) {
    insist(name === "" && !over, "an event with a name, or behind the last one");
    if (data === "[DONE]") {
      over = true;
      continue;
    }
    const chunk = asMembers(parseJson(data));
    if (chunk["error"] !== undefined) throw new Error(asText(asMembers(chunk["error"])["message"]));
    if (chunk["usage"]) usage = asMembers(chunk["usage"]);
    for (const choice of asList(chunk["choices"])) {
      const delta = asMembers(choice["delta"]);
      message["role"] ??= delta["role"] ?? null;
      insist(message["role"] !== null, "a first chunk that does not say who speaks");
      insist(reason === undefined, "a choice behind its end");
      for (const key of ["content", "reasoning_content"]) {
        if (typeof delta[key] === "string") message[key] = asText(message[key]) + delta[key];
      }
      for (const detail of asList(delta["reasoning_details"])) {
        const last = details.at(-1);
        if (last === undefined || last["index"] !== detail["index"]) details.push(detail);
        else Object.assign(last, detail, { text: asText(last["text"]) + asText(detail["text"]) });
      }
      for (const piece of asList(delta["tool_calls"])) {
        const index = asNumber(piece["index"]);
        insist(index <= calls.length, "calls that are not counted from 0");
        grow((calls[index] ??= {}), piece);
      }
      if (choice["finish_reason"]) reason = asText(choice["finish_reason"]);
    }
  }
  insist(over && reason !== undefined && usage !== undefined, "a stream without its end");
  const members = { tool_calls: calls, reasoning_details: details };
  const kept = Object.entries(members).filter(([, list]) => list.length > 0);
  return heardOf({ ...message, ...Object.fromEntries(kept) }, reason, usage);
}

export const chat: Client = {
  path: () => "/v1/chat/completions",
  write: (lines, settings, stream, turns) => ({
    model: "sonnet",
    messages: lines.flatMap((line, at) => messagesOf(line, turns.get(at))),
    ...settingsOf(settings),
    ...(stream ? { stream, stream_options: { include_usage: true } } : {}),
  }),
  thought: (turn, proof) => ({
    ...asMembers(turn),
    reasoning_content: "hm",
    reasoning_details: [{ type: "reasoning.text", text: "hm", signature: proof, index: 0 }],
  }),
  hear(body) {
    const [choice = {}] = asList(body["choices"]);
    return heardOf(asMembers(choice["message"]), asText(choice["finish_reason"]), asMembers(body["usage"]));
  },
  hearStream,
  failure: (body) => asText(asMembers(body["error"])["message"]),
};
