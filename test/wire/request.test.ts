// A client's Messages request as a Chat backend gets it: one case a file.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { messagesInbound } from "#src/wire/messages/codec.ts";
import { chatCall, loadCases } from "./cases.ts";

type RequestCase = { request: { [key: string]: Json }; quirks?: Partial<Quirks>; body: Json; losses: string[] };

describe("a Messages request becomes a Chat request", () => {
  for (const { name, request, quirks, body, losses } of loadCases<RequestCase>("request")) {
    test(name, () => {
      const call = chatCall(
        { model: "asked-model", max_tokens: 64, ...request },
        { stream: false, quirks: quirks ?? {} },
      );
      const paths = call.losses.map(({ path, what }) => `${path}: ${what}`);
      expect({ body: call.body, losses: paths }).toEqual({ body, losses });
    });
  }

  test("says stream and asks for usage when streaming, unless the backend refuses that", () => {
    const request = { model: "m", max_tokens: 1, stream: true, messages: [{ role: "user", content: "hi" }] };
    const plain = { model: "upstream-model", messages: [{ role: "user", content: "hi" }], max_tokens: 1, stream: true };
    expect(chatCall(request).body).toEqual({ ...plain, stream_options: { include_usage: true } });
    expect(chatCall(request, { quirks: { streamUsage: false } }).body).toEqual(plain);
  });

  test("gives the same bytes for the same request", () => {
    const long = `mcp__${"x".repeat(90)}`;
    const request = {
      model: "m",
      max_tokens: 1,
      messages: [
        {
          role: "assistant",
          content: [{ type: "tool_use", id: "functions.Bash:0", name: long, input: { b: 1, a: 2 } }],
        },
        { role: "user", content: [{ type: "tool_result", tool_use_id: "functions.Bash:0", content: "ok" }] },
      ],
      tools: [{ name: long, input_schema: { type: "object" } }],
    };
    expect(JSON.stringify(chatCall(request).body)).toBe(JSON.stringify(chatCall(request).body));
  });
});

describe("a request that is not one is refused by path, without its values", () => {
  const base = { model: "m", max_tokens: 1, messages: [] };
  const user = (content: Json) => ({ ...base, messages: [{ role: "user", content }] });
  const table: [string, Json, string][] = [
    ["no object", ["secret"], "model is missing"],
    ["no model", { messages: [] }, "model is missing"],
    ["wrong model", { ...base, model: 7 }, "model: expected string"],
    ["wrong messages", { ...base, messages: "secret" }, "messages: expected Array"],
    [
      "unknown role",
      { ...base, messages: [{ role: "secret", content: "" }] },
      'messages[0].role: expected ("user" | "assistant" | "system")',
    ],
    ["block without a type", user([{ text: "secret" }]), "messages[0].content[0].type is missing"],
    ["text without text", user([{ type: "text" }]), "messages[0].content[0].text is missing"],
    ["text that is no text", user([{ type: "text", text: 5 }]), "messages[0].content[0].text: expected string"],
    [
      "a bad block inside a result",
      user([{ type: "tool_result", tool_use_id: "a", content: [{ type: "image", source: { type: "secret" } }] }]),
      'messages[0].content[0].content[0].source.type: expected ("base64" | "url" | "file" | "text" | "content")',
    ],
    ["tool without schema", { ...base, tools: [{ name: "secret" }] }, "tools[0].input_schema is missing"],
    [
      "schema that is no object",
      { ...base, tools: [{ name: "a", input_schema: "secret" }] },
      "tools[0].input_schema: expected an object",
    ],
    ["negative max_tokens", { ...base, max_tokens: -1 }, "max_tokens: expected >=0"],
    [
      "unknown choice",
      { ...base, tool_choice: { type: "secret" } },
      'tool_choice.type: expected (("auto" | "any" | "none") | "tool")',
    ],
  ];
  for (const [name, body, message] of table) {
    test(name, () => {
      expect(() => messagesInbound.decodeRequest(body, { model: "m", stream: false })).toThrow(
        expect.objectContaining({ kind: "usage", message }) as unknown as Error,
      );
    });
  }
});
