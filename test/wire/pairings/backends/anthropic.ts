// What Anthropic understands of a request, and what it refuses ("Messages", "Tool use", "Extended thinking", "Prompt caching" in its documentation).

import type { Json } from "#src/core/json.ts";
import {
  asList,
  asMembers,
  asNumber,
  asText,
  type Backend,
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

const ID = /^[a-zA-Z0-9_-]+$/;
const NAME = /^[a-zA-Z0-9_-]{1,128}$/;

const blocksOf = (content: Json | undefined): Members[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : asList(content);

function marksIn(value: Json): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + marksIn(item), 0);
  if (value === null || typeof value !== "object") return 0;
  return Object.entries(value).reduce((sum, [key, item]) => sum + (key === "cache_control" ? 1 : marksIn(item)), 0);
}

function paperOf({ title, source }: Members): Paper {
  const { type, data } = asMembers(source);
  return { title: asText(title), ...(type === "text" ? { text: asText(data) } : { pdf: asText(data) }) };
}

function said(blocks: Members[], between = "\n\n"): { text?: string; shows?: string[]; file?: Paper } {
  const texts = blocks.flatMap((block) => {
    if (block["type"] !== "text") return [];
    insist(asText(block["text"]).trim() !== "", "a text block without a text");
    return [asText(block["text"])];
  });
  const shows = blocks.flatMap((block) => {
    if (block["type"] !== "image") return [];
    return [asText(asMembers(block["source"])["data"])];
  });
  const [file] = blocks.filter((block) => block["type"] === "document");
  return {
    ...(texts.length === 0 ? {} : { text: texts.join(between) }),
    ...(shows.length === 0 ? {} : { shows }),
    ...(file === undefined ? {} : { file: paperOf(file) }),
  };
}

function resultOf(block: Members): Result {
  const { text = "", shows } = said(blocksOf(block["content"]).filter((part) => part["text"] !== ""));
  const failed = block["is_error"] === true;
  insist(!(failed && shows !== undefined), "a picture in a failed result");
  const id = asText(block["tool_use_id"]);
  return { id, text, ...(shows === undefined ? {} : { shows }), ...(failed ? { failed } : {}) };
}

type Turn = { role: string; blocks: Members[] };

/** Turns of one side in a row are one, as Anthropic takes them. */
function turnsOf(body: Members): Turn[] {
  const turns: Turn[] = [];
  for (const message of asList(body["messages"])) {
    const blocks = blocksOf(message["content"]);
    insist(blocks.length > 0, "a message of nothing");
    const last = turns.at(-1);
    if (last !== undefined && last.role === message["role"]) last.blocks.push(...blocks);
    else turns.push({ role: asText(message["role"]), blocks: [...blocks] });
  }
  return turns;
}

function readModel(blocks: Members[], thoughts: Thought[], ids: Set<string>): Line {
  const first = blocks.findIndex((block) => /thinking$/.test(asText(block["type"])));
  insist(first <= 0, "a turn with thinking that does not begin with it");
  for (const block of blocks) {
    if (block["type"] === "redacted_thinking") thoughts.push({ text: "", proof: asText(block["data"]) });
    if (block["type"] !== "thinking") continue;
    insist(asText(block["signature"]) !== "", "thinking without a signature");
    thoughts.push({ text: asText(block["thinking"]), proof: asText(block["signature"]) });
  }
  insist(!/thinking$/.test(asText(blocks.at(-1)?.["type"])), "a turn that ends in thinking");
  const calls = blocks.flatMap(({ type, id, name, input }) => {
    if (type !== "tool_use") return [];
    insist(ID.test(asText(id)) && !ids.has(asText(id)), "an id that does not fit, or is used twice");
    insist(input !== undefined && !Array.isArray(input) && typeof input === "object", "an input that is no object");
    ids.add(asText(id));
    return [{ id: asText(id), name: asText(name), args: input }];
  });
  const { text } = said(blocks, "");
  return { by: "model", ...(text === undefined ? {} : { text }), ...(calls.length === 0 ? {} : { calls }) };
}

function linesOf(body: Members, thoughts: Thought[]): Line[] {
  const { text: system } = said(blocksOf(body["system"]));
  const lines: Line[] = system === undefined ? [] : [{ by: "system", text: system }];
  const ids = new Set<string>();
  let open: string[] = [];
  const turns = turnsOf(body);
  insist(turns[0]?.role === "user", "a conversation that does not begin with a user");
  for (const { role, blocks } of turns) {
    if (role === "assistant") {
      const line = readModel(blocks, thoughts, ids);
      open = line.by === "model" ? (line.calls ?? []).map(({ id }) => id) : [];
      lines.push(line);
      continue;
    }
    const at = blocks.findIndex((block) => block["type"] !== "tool_result");
    const results = blocks.slice(0, at < 0 ? blocks.length : at).map(resultOf);
    const rest = at < 0 ? [] : blocks.slice(at);
    insist(!rest.some((block) => block["type"] === "tool_result"), "a result behind something else");
    const answered = results.map(({ id }) => id);
    insist(answered.toSorted().join() === open.toSorted().join(), "calls and results that do not match");
    open = [];
    if (results.length > 0) lines.push({ by: "tools", results });
    if (rest.length > 0) lines.push({ by: "user", ...said(rest) });
  }
  insist(open.length === 0, "a call without its result");
  return joined(lines);
}

function settingsOf(body: Members): Settings {
  const { thinking, tool_choice: chosen, output_config: output, metadata } = body;
  const choice = asMembers(chosen);
  const words: { [key: string]: Settings["choice"] } = { auto: "auto", any: "required", none: "none" };
  const { type, budget_tokens: budget } = asMembers(thinking);
  const { effort, format } = asMembers(output);
  const limit = asNumber(body["max_tokens"]);
  insist(limit > 0, "no limit");
  if (type === "enabled") insist(asNumber(budget) >= 1024 && asNumber(budget) < limit, "a budget that does not fit");
  if (type === "enabled" || type === "adaptive") {
    insist(choice["type"] !== "any" && choice["type"] !== "tool", "a forced tool beside thinking");
    insist(body["temperature"] === undefined && body["top_k"] === undefined, "a temperature beside thinking");
  }
  const one = choice["disable_parallel_tool_use"] === true;
  const plain = one && choice["type"] === "auto";
  return given({
    tools:
      body["tools"] === undefined
        ? undefined
        : asList(body["tools"]).map(({ type: kind, name, description, input_schema: schema }) => {
            insist(NAME.test(asText(name)), "a tool's name that does not fit");
            insist(kind !== undefined || asMembers(schema)["type"] === "object", "a tool without a schema");
            return given({ name, description, schema });
          }),
    choice:
      chosen === undefined || plain
        ? undefined
        : choice["type"] === "tool"
          ? { tool: asText(choice["name"]) }
          : words[asText(choice["type"])],
    oneCall: one ? true : undefined,
    limit,
    temperature: body["temperature"],
    topP: body["top_p"],
    topK: body["top_k"],
    stops: body["stop_sequences"],
    effort,
    budget: type === "enabled" ? budget : undefined,
    format: format === undefined ? undefined : asMembers(format)["schema"],
    user: asMembers(metadata)["user_id"],
  });
}

export const anthropic: Backend = {
  see(body) {
    const thoughts: Thought[] = [];
    const marks = marksIn(body);
    insist(marks <= 4, "more than four marks for the cache");
    return { lines: linesOf(body, thoughts), thoughts, settings: settingsOf(body), marks };
  },
};
