// A Chat client's request in canonical form: one case a file; what is refused, and how it is said.

import { describe, expect, test } from "bun:test";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { chatInbound } from "#src/wire/chat/codec.ts";
import { bytesOf, loadCases, type Members } from "../cases.ts";

type RequestCase = { body: Members; request: Members; losses: string[] };
const asked = { model: "asked-model", stream: false };
const decode = (body: Members) => chatInbound.decodeRequest({ model: "asked-model", messages: [], ...body }, asked);
const refusal = (body: Members): BrokeError | undefined => {
  try {
    decode(body);
  } catch (error) {
    if (error instanceof BrokeError) return error;
  }
  return undefined;
};

describe("a Chat request becomes canonical", () => {
  for (const { name, body, request: expected, losses } of loadCases<RequestCase>("chat-client/request")) {
    test(name, () => {
      const { request, losses: lost } = decode(body);
      const empty = { system: [], messages: [], tools: [], stopSequences: [], extra: {} };
      expect(request as unknown).toEqual({ dialect: "openai-chat", ...asked, ...empty, ...expected });
      expect(lost.map(({ path, what }) => `${path}: ${what}`)).toEqual(losses);
    });
  }
});

describe("a request that is not one is refused by path, without its values", () => {
  const message = (members: Members) => ({ messages: [{ role: "user", content: "hi" }, members] });
  const call = { id: "c", type: "function", function: { name: "n", arguments: "{}" } };
  const table: [string, Members, string][] = [
    ["no messages", { messages: null }, "messages: expected Array"],
    ["a message that is no object", { messages: ["secret"] }, "messages[0]: expected Object"],
    ["unknown role", message({ role: "secret", content: "" }), "messages[1].role: expected"],
    ["user without content", message({ role: "user" }), "messages[1].content is missing"],
    [
      "part without a type",
      message({ role: "user", content: [{ text: "secret" }] }),
      "messages[1].content[0].type is missing",
    ],
    [
      "text without text",
      message({ role: "user", content: [{ type: "text" }] }),
      "messages[1].content[0].text is missing",
    ],
    [
      "image without a URL",
      message({ role: "user", content: [{ type: "image_url", image_url: { secret: 1 } }] }),
      "messages[1].content[0].image_url",
    ],
    ["result without its call", message({ role: "tool", content: "secret" }), "messages[1].tool_call_id is missing"],
    ["call without an id", message({ role: "assistant", tool_calls: [{ ...call, id: "" }] }), "messages[1].tool_calls"],
    [
      "arguments that are no text",
      message({ role: "assistant", tool_calls: [{ ...call, function: { name: "n", arguments: { secret: 1 } } }] }),
      "messages[1].tool_calls",
    ],
    ["tool without a type", { tools: [{ function: { name: "secret" } }] }, "tools[0].type is missing"],
    ["tool without a name", { tools: [{ type: "function", function: {} }] }, "tools[0].function.name is missing"],
    [
      "schema that is no object",
      { tools: [{ type: "function", function: { name: "n", parameters: "secret" } }] },
      "tools[0].function.parameters: expected an object",
    ],
    ["choice", { tool_choice: "secret" }, "tool_choice: expected"],
    ["limit", { max_tokens: -1 }, "max_tokens: expected >=0"],
    ["format", { response_format: { type: "secret" } }, "response_format.type: expected"],
    ["stop", { stop: [1] }, "stop"],
  ];
  for (const [name, body, said] of table) {
    test(name, () => {
      const error = refusal(body);
      expect(error?.kind).toBe("usage");
      expect(error?.message).toContain(said);
      expect(error?.message).not.toContain("secret");
    });
  }
});

test("the head of a request", () => {
  const head = (body: Json) => chatInbound.readHead(bytesOf(JSON.stringify(body)), undefined);
  expect(head({ model: "m", messages: [] })).toEqual({ model: "m", stream: false });
  expect(head({ model: "m", stream: true })).toEqual({ model: "m", stream: true });
  for (const [body, message] of [
    [{ messages: [] }, "model must be a string"],
    [{ model: "m", stream: "yes" }, "stream must be a boolean"],
    [[], "not a JSON object"],
  ] as const) {
    expect(() => head(body as Json)).toThrow(message);
  }
});
