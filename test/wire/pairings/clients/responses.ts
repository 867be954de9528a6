// A client of OpenAI's Responses dialect, as its SDK and Codex read and write it.

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

const picture = (data: string): Json => ({ type: "input_image", image_url: `data:image/png;base64,${data}` });
const paper = ({ title, pdf }: Paper): Json => ({
  type: "input_file",
  filename: title,
  file_data: `data:application/pdf;base64,${pdf}`,
});
const words = (said: string): Json => ({ type: "input_text", text: said });

function callItem({ id, name, args }: Call): Json {
  if (typeof args === "string") return { type: "custom_tool_call", call_id: id, name, input: args };
  return { type: "function_call", call_id: id, name, arguments: JSON.stringify(args) };
}

function itemsOf(line: Line, turn: Json | undefined, free: ReadonlySet<string>): Json[] {
  switch (line.by) {
    case "system":
      return [{ type: "message", role: "developer", content: [words(line.text)] }];
    case "user": {
      const said = line.text === undefined ? [] : [words(line.text)];
      const papers = line.file === undefined ? [] : [paper(line.file)];
      return [{ type: "message", role: "user", content: [...(line.shows ?? []).map(picture), ...papers, ...said] }];
    }
    case "model":
      if (Array.isArray(turn)) return turn;
      return [
        ...(line.text === undefined
          ? []
          : [{ type: "message", role: "assistant", content: [{ type: "output_text", text: line.text }] }]),
        ...(line.calls ?? []).map(callItem),
      ];
    case "tools":
      return line.results.map(({ id, text, shows }) => ({
        type: free.has(id) ? "custom_tool_call_output" : "function_call_output",
        call_id: id,
        output: shows === undefined ? text : [words(text), ...shows.map(picture)],
      }));
  }
}

function settingsOf({ tools, choice, oneCall, format, effort, ...rest }: Settings): Members {
  return given({
    max_output_tokens: rest.limit ?? 4096,
    temperature: rest.temperature,
    top_p: rest.topP,
    safety_identifier: rest.user,
    reasoning: effort === undefined ? undefined : { effort, summary: "auto" },
    text: format === undefined ? undefined : { format: { type: "json_schema", name: "answer", schema: format } },
    tools: tools?.map(({ name, description, schema, free }) =>
      free
        ? given({ type: "custom", name, description })
        : given({ type: "function", name, description, parameters: schema ?? { type: "object" }, strict: false }),
    ),
    tool_choice: typeof choice === "object" ? { type: "function", name: choice.tool } : choice,
    parallel_tool_calls: oneCall ? false : undefined,
  });
}

function callOf(item: Members): Call[] {
  const named = { id: asText(item["call_id"]), name: asText(item["name"]) };
  if (item["type"] === "custom_tool_call") return [{ ...named, args: asText(item["input"]) }];
  if (item["type"] !== "function_call") return [];
  const args = parseJson(asText(item["arguments"]));
  insist(args !== undefined, "arguments that are no JSON");
  return [{ ...named, args }];
}

function heardOf(response: Members): Answer {
  const output = asList(response["output"]);
  if (response["status"] === "failed") throw new Error(asText(asMembers(response["error"])["message"]));
  const parts = (type: string, member: string) =>
    output.flatMap((item) => (item["type"] === type ? asList(item[member]) : []));
  const calls = output.flatMap(callOf);
  const usage = asMembers(response["usage"]);
  const reason = asText(asMembers(response["incomplete_details"])["reason"]);
  const reasons: { [key: string]: string } = { max_output_tokens: "limit", content_filter: "refusal" };
  const { input_tokens: input, output_tokens: out, total_tokens: total } = usage;
  insist(asNumber(input) + asNumber(out) === asNumber(total), "a total that does not add up");
  return {
    heard: {
      text: parts("message", "content")
        .map((part) => asText(part["text"]))
        .join(""),
      thinking: parts("reasoning", "summary")
        .map((part) => asText(part["text"]))
        .join(""),
      calls,
      stop: response["status"] === "incomplete" ? (reasons[reason] ?? reason) : calls.length > 0 ? "tools" : "end",
      tokens: {
        input: asNumber(input),
        cached: asNumber(asMembers(usage["input_tokens_details"])["cached_tokens"]),
        output: asNumber(out),
      },
    },
    turn: output,
  };
}

const DELTA = /\.delta$/;

/** Every item begun before it goes on, and closed before the end, in a place of its own. */
function hearStream(sse: string): Answer {
  const items = new Map<number, { item: Members; text: string; closed: boolean }>();
  let last: Members | undefined;
  eventsOf(sse).forEach(({ name, data }, at) => {
    const event = asMembers(parseJson(data));
    insist(event["type"] === name && event["sequence_number"] === at, "an event out of its order");
    insist(last === undefined, "an event behind the last one");
    if (at < 2) return insist(name === ["response.created", "response.in_progress"][at], "a beginning that is none");
    if (/^response\.(completed|incomplete|failed)$/.test(name)) return void (last = asMembers(event["response"]));
    const index = asNumber(event["output_index"]);
    if (name === "response.output_item.added") {
      insist(index === items.size, "two items in one place");
      return void items.set(index, { item: asMembers(event["item"]), text: "", closed: false });
    }
    const known = items.get(index);
    insist(known !== undefined && !known.closed, "an event of no open item");
    if (DELTA.test(name)) {
      insist(event["item_id"] === known.item["id"], "a delta of another item");
      known.text += asText(event["delta"]);
    }
    if (/_text\.done$|arguments\.done$|input\.done$/.test(name)) {
      const whole = asText(event["text"] ?? event["arguments"] ?? event["input"]);
      insist(whole === known.text, "deltas that do not add up");
    }
    if (name === "response.output_item.done") {
      known.closed = true;
      known.item = asMembers(event["item"]);
    }
  });
  insist(last !== undefined, "a stream without its end");
  const answer = heardOf(last);
  // What a refused answer wanted to call is told as it comes, may be left open, and is no part of what it came to.
  const refused = answer.heard.stop === "refusal";
  const told = [...items.values()].filter(({ item }) => !refused || item["type"] !== "function_call");
  insist(
    told.every(({ closed }) => closed),
    "an item left open",
  );
  const collected = told.map(({ item }) => item);
  insist(JSON.stringify(asList(last["output"])) === JSON.stringify(collected), "an output that is not what was told");
  return answer;
}

export const responses: Client = {
  path: () => "/v1/responses",
  write(lines, settings, stream, turns) {
    const free = new Set(
      lines
        .flatMap((line) => (line.by === "model" ? (line.calls ?? []) : []))
        .flatMap(({ id, args }) => (typeof args === "string" ? [id] : [])),
    );
    const [first] = lines;
    const instructions = first?.by === "system" ? first.text : undefined;
    return {
      model: "sonnet",
      ...(instructions === undefined ? {} : { instructions }),
      input: lines.flatMap((line, at) =>
        at === 0 && instructions !== undefined ? [] : itemsOf(line, turns.get(at), free),
      ),
      store: false,
      include: ["reasoning.encrypted_content"],
      ...settingsOf(settings),
      ...(stream ? { stream } : {}),
    };
  },
  thought: (turn, proof) => [
    { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "hm" }], encrypted_content: proof },
    ...asList(turn),
  ],
  hear: heardOf,
  hearStream,
  failure: (body) => asText(asMembers(body["error"])["message"]),
};
