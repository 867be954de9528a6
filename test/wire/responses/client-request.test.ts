// A Responses client's request in canonical form: one case a file; what is refused, and how it is said.

import { describe, expect, test } from "bun:test";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { responsesInbound } from "#src/wire/responses/codec.ts";
import { bytesOf, loadCases, type Members } from "../cases.ts";

type RequestCase = { body: Members; request: Members; losses: string[] };
const asked = { model: "asked-model", stream: false };
const refusal = (body: Members): BrokeError | undefined => {
  try {
    decode(body);
  } catch (error) {
    if (error instanceof BrokeError) return error;
  }
  return undefined;
};
const decode = (body: Members) => responsesInbound.decodeRequest({ model: "asked-model", ...body }, asked);

describe("a Responses request becomes canonical", () => {
  for (const { name, body, request: expected, losses } of loadCases<RequestCase>("responses/client-request")) {
    test(name, () => {
      const { request, losses: lost } = decode(body);
      const empty = { system: [], messages: [], tools: [], stopSequences: [], extra: {} };
      expect(request as unknown).toEqual({ dialect: "openai-responses", ...asked, ...empty, ...expected });
      expect(lost.map(({ path, what }) => `${path}: ${what}`)).toEqual(losses);
    });
  }
});

describe("a request that is not one is refused by path, without its values", () => {
  const item = (members: Members) => ({ input: [{ role: "user", content: "hi" }, members] });
  const call = { type: "function_call", call_id: "c", name: "n", arguments: "{}" };
  const table: [string, Members, string][] = [
    ["no input", {}, "input is missing"],
    ["input of another kind", { input: 5 }, "input: expected (string | Array)"],
    ["an item that is no object", { input: ["secret"] }, "input[0]: expected Object"],
    ["unknown role", item({ role: "secret", content: "" }), "input[1].role: expected"],
    ["message without content", item({ role: "user" }), "input[1].content is missing"],
    [
      "part without a type",
      item({ role: "user", content: [{ text: "secret" }] }),
      "input[1].content[0].type is missing",
    ],
    [
      "text without text",
      item({ role: "user", content: [{ type: "input_text" }] }),
      "input[1].content[0].text is missing",
    ],
    ["call without an id", item({ ...call, call_id: "" }), "input[1].call_id: expected !0"],
    [
      "call with arguments that are no text",
      item({ ...call, arguments: { secret: 1 } }),
      "input[1].arguments: expected string",
    ],
    [
      "output that is an object",
      item({ type: "function_call_output", call_id: "c", output: {} }),
      "input[1].output: expected",
    ],
    ["reference", item({ type: "item_reference", id: "secret" }), "input[1]: answers are not stored here"],
    ["reference without a type", item({ id: "secret" }), "input[1]: answers are not stored here"],
    ["tool without a name", { input: "", tools: [{ type: "function" }] }, "tools[0].name is missing"],
    [
      "tool within a namespace",
      { input: "", tools: [{ type: "namespace", name: "n", tools: [{ type: "custom" }] }] },
      "tools[0].tools[0].name is missing",
    ],
    ["added tool", item({ type: "additional_tools", tools: [{}] }), "input[1].tools[0].type is missing"],
    ["choice", { input: "", tool_choice: "secret" }, "tool_choice: expected"],
    ["limit", { input: "", max_output_tokens: 1.5 }, "max_output_tokens: expected something else"],
    ["format", { input: "", text: { format: { type: "secret" } } }, "text.format.type: expected"],
  ];
  for (const [name, body, message] of table) {
    test(name, () => {
      const said = refusal(body);
      expect(said?.kind).toBe("usage");
      expect(said?.message).toContain(message);
      expect(said?.message).not.toContain("secret");
    });
  }
});

describe("the head of a request", () => {
  const head = (body: Json) => responsesInbound.readHead(bytesOf(JSON.stringify(body)), undefined);

  test("model and stream", () => {
    expect(head({ model: "m", input: "x" })).toEqual({ model: "m", stream: false });
    expect(head({ model: "m", stream: true })).toEqual({ model: "m", stream: true });
  });

  test("what leans on stored answers is refused", () => {
    const table: [Members, string][] = [
      [{ previous_response_id: "resp_1" }, "previous_response_id"],
      [{ background: true }, "background"],
      [{ conversation: "conv_1" }, "conversation"],
      [{ conversation: { id: "conv_1" } }, "conversation"],
    ];
    for (const [body, name] of table) {
      expect(() => head({ model: "m", ...body })).toThrow(
        expect.objectContaining({ kind: "usage", message: expect.stringContaining(`${name}: `) }) as unknown as Error,
      );
    }
  });

  test("but not when it says nothing", () => {
    const body = { model: "m", previous_response_id: "", background: false, conversation: null };
    expect(head(body)).toEqual({ model: "m", stream: false });
    expect(head({ ...body, previous_response_id: null, background: null })).toEqual({ model: "m", stream: false });
  });

  test("a head that is none", () => {
    for (const [body, message] of [
      [{ input: "x" }, "model must be a string"],
      [{ model: 5 }, "model must be a string"],
      [{ model: "m", stream: "yes" }, "stream must be a boolean"],
      [[], "not a JSON object"],
    ] as const) {
      expect(() => head(body as Json)).toThrow(message);
    }
  });
});
