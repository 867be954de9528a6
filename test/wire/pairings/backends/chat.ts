// What a provider of OpenAI's Chat dialect understands of a request, and what it refuses (OpenAI's API reference).

import { type Json, parseJson } from "#src/core/json.ts";
import {
  asList,
  asMembers,
  asText,
  type Backend,
  type Call,
  given,
  insist,
  joined,
  type Line,
  type Members,
  type Paper,
  type Result,
  type Settings,
  type Thought,
} from "../words.ts";

const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const FAILED = "[tool error] ";
const DATA = "data:image/png;base64,";
const PDF = "data:application/pdf;base64,";

const paperOf = ({ filename, file_data: data }: Members): Paper => ({
  title: asText(filename),
  pdf: asText(data).replace(PDF, ""),
});

function said(content: Json | undefined, between = "\n\n"): { text?: string; shows?: string[]; file?: Paper } {
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : asList(content);
  const texts = parts.flatMap((part) => (part["type"] === "text" ? [asText(part["text"])] : []));
  insist(!texts.some((text) => text.includes("base64,")), "a picture as text");
  const shows = parts.flatMap((part) => {
    if (part["type"] !== "image_url") return [];
    return [asText(asMembers(part["image_url"])["url"]).replace(DATA, "")];
  });
  const [file] = parts.flatMap((part) => (part["type"] === "file" ? [asMembers(part["file"])] : []));
  return {
    ...(texts.length === 0 ? {} : { text: texts.join(between) }),
    ...(shows.length === 0 ? {} : { shows }),
    ...(file === undefined ? {} : { file: paperOf(file) }),
  };
}

function callOf(member: Members): Call {
  const id = asText(member["id"]);
  insist(id !== "" && id.length <= 40, "an id that does not fit");
  if (member["type"] === "custom") {
    const { name, input } = asMembers(member["custom"]);
    return { id, name: asText(name), args: asText(input) };
  }
  const { name, arguments: args } = asMembers(member["function"]);
  insist(NAME.test(asText(name)), "a name that does not fit");
  const object = parseJson(asText(args));
  insist(object !== undefined, "arguments that are no JSON");
  return { id, name: asText(name), args: object };
}

function thoughtsOf(message: Members): Thought[] {
  const details = asList(message["reasoning_details"]).map(({ text, signature }) => ({
    text: asText(text),
    proof: asText(signature),
  }));
  const words = asText(message["reasoning_content"]);
  return details.length > 0 || words === "" ? details : [{ text: words, proof: null }];
}

function resultOf({ tool_call_id: id, content }: Members): Result {
  const { text = "", shows } = said(content);
  insist(shows === undefined, "a picture in a result");
  if (!text.startsWith(FAILED)) return { id: asText(id), text };
  return { id: asText(id), text: text.slice(FAILED.length), failed: true };
}

function linesOf(body: Members, thoughts: Thought[]): Line[] {
  const lines: Line[] = [];
  let open: string[] = [];
  for (const message of asList(body["messages"])) {
    const role = asText(message["role"]);
    if (role === "tool") {
      const result = resultOf(message);
      insist(open.includes(result.id), "a result without its call");
      open = open.filter((id) => id !== result.id);
      lines.push({ by: "tools", results: [result] });
      continue;
    }
    insist(open.length === 0, "a call without its result");
    if (role === "assistant") {
      thoughts.push(...thoughtsOf(message));
      const calls = asList(message["tool_calls"]).map(callOf);
      const { text } = said(message["content"] || undefined, "");
      insist(text !== undefined || calls.length > 0, "an answer of nothing");
      open = calls.map(({ id }) => id);
      lines.push({ by: "model", ...(text === undefined ? {} : { text }), ...(calls.length === 0 ? {} : { calls }) });
    } else if (role === "user") lines.push({ by: "user", ...said(message["content"]) });
    else {
      insist(role === "system" || role === "developer", "a role nobody knows");
      lines.push({ by: "system", text: said(message["content"]).text ?? "" });
    }
  }
  insist(open.length === 0, "a call without its result");
  return joined(lines);
}

function settingsOf(body: Members): Settings {
  const chosen = body["tool_choice"];
  const { json_schema: format } = asMembers(body["response_format"]);
  const stops = body["stop"];
  insist(!Array.isArray(stops) || stops.length <= 4, "more than four stop sequences");
  return given({
    tools:
      body["tools"] === undefined
        ? undefined
        : asList(body["tools"]).map((tool) => {
            const free = tool["type"] === "custom";
            const { name, description, parameters: schema } = asMembers(free ? tool["custom"] : tool["function"]);
            insist(NAME.test(asText(name)), "a tool's name that does not fit");
            return given({ name, description, schema, free: free ? true : undefined });
          }),
    choice:
      typeof chosen === "string"
        ? chosen
        : chosen && { tool: asText(asMembers(asMembers(chosen)["function"])["name"]) },
    oneCall: body["parallel_tool_calls"] === false ? true : undefined,
    limit: body["max_completion_tokens"] ?? body["max_tokens"],
    temperature: body["temperature"],
    topP: body["top_p"],
    topK: body["top_k"],
    stops,
    effort: body["reasoning_effort"],
    budget: asMembers(body["reasoning"])["max_tokens"],
    format: format === undefined ? undefined : asMembers(format)["schema"],
    user: body["user"],
  });
}

export const chat: Backend = {
  see(body) {
    const thoughts: Thought[] = [];
    return { lines: linesOf(body, thoughts), thoughts, settings: settingsOf(body), marks: 0 };
  },
};
