// Where a prompt is marked for Anthropic's cache, for clients whose own dialects need no marks.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { inbound } from "#src/wire/codecs.ts";
import { messagesOutbound } from "#src/wire/messages/codec.ts";
import { isObject } from "#src/wire/schema.ts";
import { callTo } from "../cases.ts";

const MARK = { type: "ephemeral" };
const ASKED = { model: "m", stream: false };
const tool = (name: string) => ({ type: "function", function: { name, parameters: { type: "object" } } });

/** The paths of everything that is marked. */
function marksIn(value: Json, path = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item, at) => marksIn(item, `${path}[${at}]`));
  if (!isObject(value)) return [];
  const below = Object.entries(value).flatMap(([key, item]) => marksIn(item, path === "" ? key : `${path}.${key}`));
  if (value["cache_control"] === undefined) return below;
  expect(value["cache_control"]).toEqual(MARK);
  return [path, ...below];
}

function marksOf(dialect: Dialect, body: Json): string[] {
  const { request } = inbound[dialect].decodeRequest(body, ASKED);
  return marksIn(callTo(messagesOutbound, request, { hosted: ["web_search"] }).body);
}

/** A conversation of a Chat client, by what follows the system prompt. */
const chat = (...said: Json[]): Json => ({
  model: "m",
  messages: [{ role: "system", content: "Be brief." }, ...said],
  tools: [tool("read"), tool("write")],
});
const ask = (content: Json): Json => ({ role: "user", content });
const call = (...ids: string[]): Json => ({
  role: "assistant",
  tool_calls: ids.map((id) => ({ id, type: "function", function: { name: "read", arguments: "{}" } })),
});
const result = (id: string): Json => ({ role: "tool", tool_call_id: id, content: "ok" });

describe("the ends of the tools, of the system prompt and of the user's last two turns", () => {
  const cases: [string, Dialect, Json, string[]][] = [
    ["a question alone", "openai-chat", { model: "m", messages: [ask("hi")] }, ["messages[0].content[0]"]],
    [
      "a first turn with everything before it",
      "openai-chat",
      chat(ask("hi")),
      ["system[0]", "messages[0].content[0]", "tools[1]"],
    ],
    [
      "results of tools are turns of the user; earlier turns are not marked any more",
      "openai-chat",
      chat(ask("hi"), call("a"), result("a"), call("b", "c"), result("b"), result("c")),
      ["system[0]", "messages[2].content[0]", "messages[4].content[1]", "tools[1]"],
    ],
    [
      "the last block of a turn, whatever it is",
      "openai-chat",
      chat(
        ask([
          { type: "text", text: "see" },
          { type: "image_url", image_url: { url: "https://example.test/a.png" } },
        ]),
      ),
      ["system[0]", "messages[0].content[1]", "tools[1]"],
    ],
    [
      "Codex",
      "openai-responses",
      {
        model: "m",
        instructions: "Be brief.",
        input: [
          { role: "developer", content: "Careful." },
          { role: "user", content: "hi" },
        ],
        tools: [{ type: "custom", name: "apply_patch" }, { type: "web_search" }],
      },
      ["system[1]", "messages[0].content[0]", "tools[1]"],
    ],
    [
      "Gemini CLI",
      "gemini",
      {
        systemInstruction: { parts: [{ text: "Be brief." }] },
        contents: [
          { role: "user", parts: [{ text: "hi" }] },
          { role: "model", parts: [{ text: "hello" }] },
          { role: "user", parts: [{ text: "go on" }] },
        ],
        tools: [{ functionDeclarations: [{ name: "read" }] }],
      },
      ["system[0]", "messages[0].content[0]", "messages[2].content[0]", "tools[0]"],
    ],
  ];
  for (const [name, dialect, body, marks] of cases) {
    test(name, () => {
      expect(marksOf(dialect, body).toSorted()).toEqual(marks.toSorted());
    });
  }
});

describe("a client that marks anything is left to its own marks", () => {
  const marked = { type: "text", text: "hi", cache_control: MARK };
  const cases: [string, Json, string[]][] = [
    ["a text", chat(ask([marked])), ["messages[0].content[0]"]],
    ["a tool", { ...(chat(ask("hi")) as object), tools: [{ ...tool("read"), cache_control: MARK }] }, ["tools[0]"]],
    [
      "more than Anthropic takes, of which the last count",
      {
        model: "m",
        messages: [
          { role: "system", content: [marked] },
          ask([marked, marked]),
          call("a"),
          { role: "tool", tool_call_id: "a", content: [marked, { type: "text", text: "." }, marked] },
          ask([marked]),
        ],
        tools: [{ ...tool("read"), cache_control: MARK }],
      },
      [
        "messages[0].content[1]",
        "messages[2].content[0].content[0]",
        "messages[2].content[0].content[2]",
        "messages[2].content[1]",
      ],
    ],
    ["the system prompt", { model: "m", messages: [{ role: "system", content: [marked] }, ask("hi")] }, ["system[0]"]],
  ];
  for (const [name, body, marks] of cases) {
    test(name, () => {
      expect(marksOf("openai-chat", body)).toEqual(marks);
    });
  }
});

test("a turn more keeps the prefix: what the last request wrote is where the next one reads", () => {
  const before = [ask("hi"), call("a"), result("a")];
  const [first, second] = [chat(...before), chat(...before, call("b"), result("b"))].map((body) =>
    marksOf("openai-chat", body),
  );
  expect(second).toContain(first!.findLast((path) => path.startsWith("messages"))!);
});
