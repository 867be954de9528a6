// What OpenAI's Responses API understands of a request, and what it refuses (OpenAI's API reference, and its errors).

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
  type Settings,
  type Thought,
} from "../words.ts";

const NAME = /^[a-zA-Z0-9_-]{1,64}$/;
const FAILED = /^\[tool error\][ \n]?/;
const DATA = "data:image/png;base64,";
const PDF = "data:application/pdf;base64,";

function said(content: Json | undefined, between = "\n\n"): { text?: string; shows?: string[]; file?: Paper } {
  const parts = typeof content === "string" ? [{ type: "input_text", text: content }] : asList(content);
  const texts = parts.flatMap((part) => (/_text$/.test(asText(part["type"])) ? [asText(part["text"])] : []));
  insist(!texts.some((text) => text.includes("base64,")), "a picture as text");
  const shows = parts.flatMap((part) =>
    part["type"] === "input_image" ? [asText(part["image_url"]).replace(DATA, "")] : [],
  );
  const [file] = parts.filter((part) => part["type"] === "input_file");
  return {
    ...(texts.length === 0 ? {} : { text: texts.join(between) }),
    ...(shows.length === 0 ? {} : { shows }),
    ...(file === undefined
      ? {}
      : { file: { title: asText(file["filename"]), pdf: asText(file["file_data"]).replace(PDF, "") } }),
  };
}

function callOf(item: Members): Call {
  const id = asText(item["call_id"]);
  const name = asText(item["name"]);
  insist(id !== "" && id.length <= 64, "an id that does not fit");
  insist(NAME.test(name), "a name that does not fit");
  if (item["type"] === "custom_tool_call") return { id, name, args: asText(item["input"]) };
  const args = parseJson(asText(item["arguments"]));
  insist(args !== undefined, "arguments that are no JSON");
  return { id, name, args };
}

function resultLine(item: Members): Line {
  const { text = "", shows } = said(item["output"]);
  const failed = FAILED.test(text);
  const rest = { ...(shows === undefined ? {} : { shows }), ...(failed ? { failed } : {}) };
  return { by: "tools", results: [{ id: asText(item["call_id"]), text: text.replace(FAILED, ""), ...rest }] };
}

/** Items of the model in a row are one turn. */
function withModel(lines: Line[], text: string | undefined, calls: Call[]): void {
  const last = lines.at(-1);
  const turn = last?.by === "model" ? last : { by: "model" as const };
  if (last?.by !== "model") lines.push(turn);
  if (text !== undefined) turn.text = (turn.text ?? "") + text;
  if (calls.length > 0) turn.calls = [...(turn.calls ?? []), ...calls];
}

function linesOf(body: Members, thoughts: Thought[]): Line[] {
  const instructions = asText(body["instructions"]);
  const lines: Line[] = instructions === "" ? [] : [{ by: "system", text: instructions }];
  const open = new Map<string, string>();
  let thinking = false;
  for (const item of asList(body["input"])) {
    const type = asText(item["type"]);
    const role = asText(item["role"]);
    const byModel = /_call$/.test(type) || role === "assistant";
    if (type === "reasoning") {
      const texts = asList(item["summary"]).map((part) => asText(part["text"]));
      thoughts.push({ text: texts.join(""), proof: asText(item["encrypted_content"]) || null });
      thinking = true;
      continue;
    }
    insist(byModel || !thinking, "reasoning without the item that follows it");
    thinking = false;
    if (/_call$/.test(type)) {
      const call = callOf(item);
      open.set(call.id, type);
      withModel(lines, undefined, [call]);
    } else if (/_output$/.test(type)) {
      const line = resultLine(item);
      const id = asText(item["call_id"]);
      insist(open.get(id) === type.replace("_output", ""), "an output without its call");
      open.delete(id);
      lines.push(line);
    } else {
      insist(type === "message", "an item nobody knows");
      if (role === "assistant") withModel(lines, said(item["content"], "").text, []);
      else if (role === "user") lines.push({ by: "user", ...said(item["content"]) });
      else lines.push({ by: "system", text: said(item["content"]).text ?? "" });
    }
  }
  insist(!thinking, "reasoning without the item that follows it");
  insist(open.size === 0, "a call without its output");
  return joined(lines);
}

function settingsOf(body: Members): Settings {
  const chosen = body["tool_choice"];
  const { format } = asMembers(body["text"]);
  return given({
    tools:
      body["tools"] === undefined
        ? undefined
        : asList(body["tools"]).map(({ type, name, description, parameters: schema }) => {
            insist(NAME.test(asText(name)) || type === "web_search", "a tool's name that does not fit");
            return given({ name: name ?? type, description, schema, free: type === "custom" ? true : undefined });
          }),
    choice: typeof chosen === "string" ? chosen : chosen && { tool: asText(asMembers(chosen)["name"]) },
    oneCall: body["parallel_tool_calls"] === false ? true : undefined,
    limit: body["max_output_tokens"],
    temperature: body["temperature"],
    topP: body["top_p"],
    effort: asMembers(body["reasoning"])["effort"],
    format: format === undefined ? undefined : asMembers(format)["schema"],
    user: body["safety_identifier"],
  });
}

export const responses: Backend = {
  see(body) {
    const thoughts: Thought[] = [];
    for (const name of ["stop", "top_k", "messages"]) insist(body[name] === undefined, `the member ${name}`);
    return { lines: linesOf(body, thoughts), thoughts, settings: settingsOf(body), marks: 0 };
  },
};
