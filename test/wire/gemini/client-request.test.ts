// A Gemini client's request in canonical form: one case a file; what is refused, and how it is said.

import { describe, expect, test } from "bun:test";
import type { Content, FunctionDeclaration, GenerationConfig, Schema, ToolConfig } from "@google/genai";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { geminiInbound } from "#src/wire/gemini/codec.ts";
import { bytesOf, loadCases, type Members } from "./cases.ts";

type RequestCase = { body: Members; request: Members; losses: string[] };
const asked = { model: "asked-model", stream: false };
const decode = (body: Json) => geminiInbound.decodeRequest(body, asked);
const refusal = (body: Json): BrokeError | undefined => {
  try {
    decode(body);
  } catch (error) {
    if (error instanceof BrokeError) return error;
  }
  return undefined;
};

test("a schema's members stand in the order they are to be written in, at any depth", () => {
  const text = { type: "STRING" };
  const within = {
    type: "OBJECT",
    properties: { b: text, a: text, c: text },
    property_ordering: ["a", "b", "none", 5],
  };
  const parameters = { type: "OBJECT", properties: { z: text, y: within }, propertyOrdering: ["y", "z"] };
  const { request } = decode({
    contents: [{ parts: [{ text: "hi" }] }],
    tools: [{ functionDeclarations: [{ name: "f", parameters }] }],
  });
  const [tool] = request.tools;
  const schema = tool?.kind === "function" ? JSON.stringify(tool.schema) : "";
  expect([...schema.matchAll(/"([a-z])":/g)].map(([, name]) => name)).toEqual(["y", "a", "b", "c", "z"]);
});

describe("a generateContent request becomes canonical", () => {
  for (const { name, body, request: expected, losses } of loadCases<RequestCase>("gemini/client-request")) {
    test(name, () => {
      const { request, losses: lost } = decode(body);
      const empty = { system: [], messages: [], tools: [], stopSequences: [], extra: {} };
      expect(request as unknown).toEqual({ dialect: "gemini", ...asked, ...empty, ...expected });
      expect(lost.map(({ path, what }) => `${path}: ${what}`)).toEqual(losses);
    });
  }
});

/** What Google's SDK lets a program say, in its own types. */
describe("what Google's SDK writes is read", () => {
  const wire = (value: unknown) => JSON.parse(JSON.stringify(value)) as Json;

  test("contents and tools", () => {
    const contents: Content[] = [
      { role: "user", parts: [{ text: "hi" }, { inlineData: { mimeType: "image/png", data: "aGk=" } }] },
      { role: "model", parts: [{ functionCall: { id: "a", name: "f", args: { x: 1 } }, thoughtSignature: "c2ln" }] },
      { role: "user", parts: [{ functionResponse: { id: "a", name: "f", response: { output: "ok" } } }] },
    ];
    const parameters = { type: "OBJECT", properties: { x: { type: "INTEGER", nullable: true } } } as Schema;
    const functionDeclarations: FunctionDeclaration[] = [{ name: "f", parameters }];
    const { request, losses } = decode({
      contents: wire(contents),
      tools: wire([{ functionDeclarations }]),
    } as Json);
    expect(losses).toEqual([]);
    expect(request.tools).toEqual([
      {
        kind: "function",
        name: "f",
        schema: { type: "object", properties: { x: { type: ["integer", "null"] } } },
      },
    ]);
    expect(request.messages.map(({ role, blocks }) => [role, ...blocks.map(({ kind }) => kind)])).toEqual([
      ["user", "text", "image"],
      ["assistant", "thinking", "tool_call"],
      ["user", "tool_result"],
    ]);
  });

  test("settings", () => {
    const generationConfig = {
      temperature: 1,
      topK: 64,
      maxOutputTokens: 8,
      responseMimeType: "application/json",
      responseJsonSchema: { type: "object" },
      thinkingConfig: { includeThoughts: true, thinkingBudget: -1 },
    } satisfies GenerationConfig;
    const toolConfig = { functionCallingConfig: { allowedFunctionNames: ["f"] } } satisfies ToolConfig;
    const mode = { functionCallingConfig: { ...toolConfig.functionCallingConfig, mode: "ANY" } };
    const { request, losses } = decode(wire({ contents: [], generationConfig, toolConfig: mode }));
    expect(losses).toEqual([]);
    expect(request).toEqual({
      dialect: "gemini",
      ...asked,
      system: [],
      messages: [],
      tools: [],
      toolChoice: { kind: "tool", name: "f" },
      temperature: 1,
      topK: 64,
      maxTokens: 8,
      reasoning: { mode: "adaptive", show: true },
      responseFormat: { kind: "json_schema", schema: { type: "object" } },
      stopSequences: [],
      extra: {},
    });
  });
});

describe("a request that is not one is refused by path, without its values", () => {
  const part = (members: Json) => ({ contents: [{ parts: [{ text: "hi" }, members] }] });
  const table: [string, Json, string][] = [
    ["no object", "secret", "the body: expected an object"],
    ["no contents", {}, "contents is missing"],
    ["contents of another kind", { contents: "secret" }, "contents: expected Array"],
    ["a content that is no object", { contents: ["secret"] }, "contents[0]: expected an object"],
    ["unknown role", { contents: [{ role: "secret" }] }, "contents[0].role: expected"],
    ["parts of another kind", { contents: [{ parts: "secret" }] }, "contents[0].parts: expected Array"],
    ["a part that is no object", part("secret"), "contents[0].parts[1]: expected an object"],
    ["text of another kind", part({ text: { secret: 1 } }), "contents[0].parts[1].text: expected string"],
    ["thought of another kind", part({ thought: "secret" }), "contents[0].parts[1].thought: expected"],
    ["signature of another kind", part({ thought_signature: 5 }), "contents[0].parts[1].thoughtSignature: expected"],
    ["call without a name", part({ functionCall: { args: {} } }), "contents[0].parts[1].functionCall.name is missing"],
    [
      "call with an empty name",
      part({ functionCall: { name: "" } }),
      "contents[0].parts[1].functionCall.name: expected !0",
    ],
    [
      "arguments of another kind",
      part({ function_call: { name: "f", args: "secret" } }),
      "contents[0].parts[1].functionCall.args: expected",
    ],
    [
      "result without a name",
      part({ functionResponse: { id: "secret" } }),
      "contents[0].parts[1].functionResponse.name is missing",
    ],
    [
      "part of a result",
      part({ functionResponse: { name: "f", parts: [{ inlineData: { data: "secret" } }] } }),
      "contents[0].parts[1].functionResponse.parts[0].inlineData.mimeType is missing",
    ],
    [
      "bytes without a type",
      part({ inlineData: { data: "secret" } }),
      "contents[0].parts[1].inlineData.mimeType is missing",
    ],
    ["file without an address", part({ fileData: {} }), "contents[0].parts[1].fileData.fileUri is missing"],
    ["system prompt", { contents: [], systemInstruction: "secret" }, "systemInstruction: expected"],
    ["tool", { contents: [], tools: ["secret"] }, "tools[0]: expected an object"],
    [
      "function without a name",
      { contents: [], tools: [{ function_declarations: [{ description: "secret" }] }] },
      "tools[0].functionDeclarations[0].name is missing",
    ],
    [
      "parameters of another kind",
      { contents: [], tools: [{ functionDeclarations: [{ name: "f", parameters: "secret" }] }] },
      "tools[0].functionDeclarations[0].parameters: expected",
    ],
    [
      "mode of another kind",
      { contents: [], tool_config: { function_calling_config: { mode: 5 } } },
      "toolConfig.functionCallingConfig.mode: expected",
    ],
    [
      "limit",
      { contents: [], generationConfig: { maxOutputTokens: 1.5 } },
      "generationConfig.maxOutputTokens: expected",
    ],
    [
      "temperature",
      { contents: [], generation_config: { temperature: "secret" } },
      "generationConfig.temperature: expected",
    ],
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
  const head = (text: string, named = { model: "m", stream: true } as typeof asked | undefined) =>
    geminiInbound.readHead(bytesOf(text), named);

  test("is what the URL says", () => {
    expect(head('{"contents":[],"model":"models/other","stream":false}')).toEqual({ model: "m", stream: true });
  });

  test("needs a URL and a body that is well-formed", () => {
    const usage = expect.objectContaining({ kind: "usage" }) as unknown as Error;
    expect(() => geminiInbound.readHead(bytesOf("{}"), undefined)).toThrow("named in the URL");
    for (const text of ["[]", "{", '{"a":1}x', ""]) expect(() => head(text)).toThrow(usage);
  });
});
