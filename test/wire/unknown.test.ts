// What a client says inside of tools, blocks and messages and only its own dialect understands: carried, or told as lost. Never dropped without a word.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { inbound, outbound } from "#src/wire/codecs.ts";
import { callTo } from "./cases.ts";

const ASKED = { model: "m", stream: false };
const decode = (dialect: Dialect, body: object) =>
  inbound[dialect].decodeRequest({ model: "m", ...body } as Json, ASKED);
const encode = (from: Dialect, body: object, to: Dialect, quirks = {}) =>
  callTo(outbound[to], decode(from, body).request, quirks);

const hi = { role: "user", content: "hi" };
const parameters = { type: "object", properties: {} };
const anthropic = (tool: object, block: object = {}, message: object = {}) => ({
  messages: [{ role: "user", content: [{ type: "text", text: "hi", ...block }], ...message }],
  tools: [{ name: "f", input_schema: parameters, ...tool }],
});
const answered = (message: object) => ({ messages: [hi, { role: "assistant", content: "ok", ...message }, hi] });
const gemini = (declaration: object, response: object = {}, choice: object = {}) => ({
  contents: [
    { role: "user", parts: [{ text: "hi" }] },
    { role: "model", parts: [{ functionCall: { id: "a", name: "f" } }] },
    { role: "user", parts: [{ functionResponse: { id: "a", name: "f", response: { output: "1" }, ...response } }] },
  ],
  tools: [{ functionDeclarations: [{ name: "f", ...declaration }] }],
  toolConfig: { functionCallingConfig: { mode: "AUTO", ...choice } },
});

describe("what is not carried is told", () => {
  const document = { type: "document", source: { type: "text", media_type: "text/plain", data: "x" } };
  const table: [string, Dialect, object, string[]][] = [
    [
      "settings of a tool",
      "anthropic",
      anthropic({ type: "custom", input_examples: [{}], defer_loading: true, allowed_callers: ["code"] }),
      ["input_examples of a tool", "defer_loading of a tool", "allowed_callers of a tool"],
    ],
    [
      "settings that say nothing",
      "anthropic",
      anthropic({ input_examples: [], defer_loading: false, eager_input_streaming: true }, { citations: null }),
      [],
    ],
    [
      "members of blocks and messages",
      "anthropic",
      anthropic({}, { thing: 1 }, { other: 1 }),
      ["other of a message", "thing of a text block"],
    ],
    [
      "citations of a document",
      "anthropic",
      { messages: [{ role: "user", content: [{ ...document, citations: { enabled: true } }] }] },
      ["citations of a document"],
    ],
    [
      "a document that is not to be cited",
      "anthropic",
      { messages: [{ role: "user", content: [{ ...document, citations: { enabled: false } }] }] },
      [],
    ],
    [
      "who called a tool",
      "anthropic",
      {
        messages: [
          hi,
          {
            role: "assistant",
            content: [{ type: "tool_use", id: "a", name: "f", input: {}, caller: { type: "direct" } }],
          },
        ],
      },
      [],
    ],
    ["sound of an earlier answer", "openai-chat", answered({ audio: { id: "a" } }), ["audio of an answer"]],
    [
      "pictures and citations of one",
      "openai-chat",
      answered({ images: [{}], annotations: [{}] }),
      ["images of an answer", "annotations of an answer"],
    ],
    ["what OpenAI's SDK says of one", "openai-chat", answered({ refusal: null, annotations: [], audio: null }), []],
    [
      "a setting of a tool",
      "openai-chat",
      { messages: [hi], tools: [{ type: "function", function: { name: "f", thing: 1 } }] },
      ["thing of a tool"],
    ],
    [
      "thinking that is not to be told",
      "openai-chat",
      { messages: [hi], reasoning: { effort: "low", exclude: true } },
      ["exclude of reasoning"],
    ],
    [
      "what a format is for",
      "openai-chat",
      {
        messages: [hi],
        response_format: { type: "json_schema", json_schema: { name: "n", description: "d", schema: parameters } },
      },
      ["description of the answer's format"],
    ],
    [
      "settings of a tool",
      "openai-responses",
      {
        input: "hi",
        tools: [
          {
            ...{ type: "function", name: "f", parameters, strict: false },
            ...{ defer_loading: true, output_schema: parameters, allowed_callers: ["programmatic"] },
          },
        ],
      },
      ["defer_loading of a tool", "output_schema of a tool", "allowed_callers of a tool"],
    ],
    [
      "settings of tools, results and of the choice",
      "gemini",
      gemini(
        { behavior: "NON_BLOCKING" },
        { scheduling: "SILENT", will_continue: true },
        { streamFunctionCallArguments: true },
      ),
      [
        "scheduling of a result",
        "willContinue of a result",
        "behavior of a tool",
        "toolConfig.functionCallingConfig.streamFunctionCallArguments",
      ],
    ],
    ["settings that say nothing", "gemini", gemini({}, { willContinue: false }), []],
  ];
  for (const [name, dialect, body, wanted] of table) {
    test(`${dialect}: ${name}`, () => {
      const { request, losses } = decode(dialect, body);
      expect([...losses.map(({ what }) => what), ...Object.keys(request.extra)]).toEqual(wanted);
    });
  }
});

test("a turn of nothing but sound stays a turn", () => {
  const { request } = decode("openai-chat", answered({ content: null, audio: { id: "a" } }));
  expect(request.messages.map(({ role, blocks }) => [role, blocks.length])).toEqual([
    ["user", 1],
    ["assistant", 1],
    ["user", 1],
  ]);
});

test("thinking that nobody signed is thinking, wherever it is told", () => {
  const { request } = decode("openai-chat", answered({ reasoning_details: [{ type: "reasoning.text", text: "hm" }] }));
  expect(request.messages[1]!.blocks[0]).toEqual({ kind: "thinking", text: "hm", origin: null });
});

describe("how closely a picture is looked at", () => {
  const url = "https://example.test/a.png";
  const chat = (detail?: string) => ({
    messages: [{ role: "user", content: [{ type: "image_url", image_url: { url, ...(detail && { detail }) } }] }],
  });
  const responses = (detail: string) => ({
    input: [{ role: "user", content: [{ type: "input_image", image_url: url, detail }] }],
  });

  test("goes on between OpenAI's dialects", () => {
    expect(encode("openai-chat", chat("low"), "openai-responses").body).toMatchObject(responses("low"));
    expect(encode("openai-chat", chat(), "openai-responses").body).toMatchObject(responses("auto"));
    expect(encode("openai-responses", responses("high"), "openai-chat").body).toMatchObject(chat("high"));
    expect(encode("openai-responses", responses("auto"), "openai-chat").body).toMatchObject(chat());
  });

  test("and is lost elsewhere", () => {
    for (const to of ["anthropic", "gemini"] as const) {
      const lost = (detail: string) => encode("openai-chat", chat(detail), to).losses.map(({ what }) => what);
      expect(lost("low")).toEqual(["detail of an image"]);
      expect(lost("auto")).toEqual([]);
    }
  });
});

test("thinking that is to be left out is not asked for in words", () => {
  const body = (display: string) => ({ ...anthropic({}), thinking: { type: "adaptive", display } });
  const asked = (display: string, to: Dialect) =>
    JSON.stringify(encode("anthropic", body(display), to, { reasoningEffort: true }).body);
  expect(asked("omitted", "openai-responses")).not.toContain('"summary"');
  expect(asked("summarized", "openai-responses")).toContain('"summary":"auto"');
  expect(asked("omitted", "gemini")).not.toContain("includeThoughts");
  expect(asked("summarized", "gemini")).toContain('"includeThoughts":true');
});

test("a text file becomes text for Chat, however it came", () => {
  const file_data = "data:text/plain;base64,aGVsbG8=";
  const given = { input: [{ role: "user", content: [{ type: "input_file", filename: "a.txt", file_data }] }] };
  const { body, losses } = encode("openai-responses", given, "openai-chat");
  expect(body).toMatchObject({ messages: [{ role: "user", content: "a.txt\n\nhello" }] });
  expect(losses).toEqual([]);
});
