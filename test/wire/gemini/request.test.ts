// A canonical request as a Gemini backend gets it: one case a file.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest } from "#src/wire/canonical.ts";
import { geminiInbound, geminiOutbound } from "#src/wire/gemini/codec.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { callFor, loadCases, type Members, requestOf, SCOPE } from "./cases.ts";

type RequestCase = { request: Partial<CanonicalRequest>; quirks?: Partial<Quirks>; body: Members; losses: string[] };

describe("a canonical request becomes a generateContent request", () => {
  for (const { name, request, quirks, body, losses } of loadCases<RequestCase>("gemini/request")) {
    test(name, () => {
      const call = callFor(request, quirks);
      expect({ body: call.body, losses: call.losses.map(({ path, what }) => `${path}: ${what}`) }).toEqual({
        body,
        losses,
      });
    });
  }

  test("streaming is no member of the body", () => {
    expect(callFor({}, {}, true).body).toEqual({ contents: [] });
  });

  test("the model and the method are in the path", () => {
    const table: [string, boolean, string][] = [
      ["gemini-3-flash", false, "/models/gemini-3-flash:generateContent"],
      ["gemini-3-flash", true, "/models/gemini-3-flash:streamGenerateContent?alt=sse"],
      ["models/gemini-3-flash", false, "/models/gemini-3-flash:generateContent"],
      ["odd/na?me:x", false, "/models/odd%2Fna%3Fme%3Ax:generateContent"],
    ];
    for (const [model, stream, path] of table) expect(geminiOutbound.path({ model, stream })).toBe(path);
  });
});

describe("thoughts that Google signed come back to it as they were", () => {
  const call = { functionCall: { id: "fc_1", name: "f", args: { a: 1 } }, thoughtSignature: "c2ln.A.B" };
  const second = { functionCall: { id: "fc_2", name: "f", args: {} } };
  const text = { text: "Reading.", thoughtSignature: "Zmlyc3Q=" };
  const response = (id: string) => ({ functionResponse: { id, name: "f", response: { output: "x" } } });
  const ask = { role: "user", parts: [{ text: "go" }] };
  const results = { role: "user", parts: [response("fc_1"), response("fc_2")] };
  const contentsFor = (contents: Json, scope: string, quirks: Partial<Quirks> = {}) => {
    const asked = { model: "m", stream: false };
    const { request } = geminiInbound.decodeRequest({ contents }, asked);
    return (geminiOutbound.encodeRequest(request, { ...asked, scope, quirks }).body as Members)["contents"] as Json[];
  };

  test("from a client of its own dialect", () => {
    const contents = [ask, { role: "model", parts: [text, call, second] }, results];
    expect(contentsFor(contents, SCOPE)).toEqual(contents);
  });

  test("from a client that kept our seals, and to no other account", () => {
    const { blocks, stop } = callFor().decodeResponse({
      candidates: [{ content: { parts: [text, call, second] }, finishReason: "STOP" }],
    });
    const told = geminiInbound.encodeResponse(
      { blocks, stop, usage: null },
      { id: "r", model: "m", createdMs: 0 },
    ) as Members;
    const [candidate] = told["candidates"] as Members[];
    const kept = [ask, candidate!["content"]!, results];
    expect(JSON.stringify(kept)).toContain(`"thoughtSignature":"broke1.gemini.${SCOPE}.signature.c2ln.A.B"`);
    expect(contentsFor(kept, SCOPE)).toEqual([ask, { role: "model", parts: [text, call, second] }, results]);
    const plain = { functionCall: call.functionCall };
    const parts = [{ text: "Reading." }, plain, second];
    expect(contentsFor(kept, "ffffffffffffffff")).toEqual([ask, { role: "model", parts }, results]);
    const excused = [parts[0]!, { ...plain, thoughtSignature: "skip_thought_signature_validator" }, second];
    expect(contentsFor(kept, "ffffffffffffffff", { reasoningEffort: true })).toEqual([
      ask,
      { role: "model", parts: excused },
      results,
    ]);
  });

  test("no signature is part of an id", () => {
    const { blocks } = callFor().decodeResponse({
      candidates: [{ content: { parts: [{ ...call, functionCall: { name: "f" } }] }, finishReason: "STOP" }],
    });
    expect(blocks.map((block) => (block.kind === "tool_call" ? block.id : block.kind))).toEqual([
      "thinking",
      "call_new1",
    ]);
  });
});

test("calls without ids have the same ones in every turn, and other dialects pair them", () => {
  const contents = (more: Json[]): Json[] => [
    { role: "user", parts: [{ text: "go" }] },
    { role: "model", parts: [{ functionCall: { name: "f", args: {} } }, { functionCall: { name: "f", args: {} } }] },
    { role: "user", parts: ["1", "2"].map((output) => ({ functionResponse: { name: "f", response: { output } } })) },
    ...more,
  ];
  const idsOf = (given: Json[]) =>
    geminiInbound
      .decodeRequest({ contents: given }, { model: "m", stream: false })
      .request.messages.flatMap(({ blocks }) => blocks)
      .flatMap((block) =>
        block.kind === "tool_call" ? [block.id] : block.kind === "tool_result" ? [block.callId] : [],
      );
  const first = idsOf(contents([]));
  expect(first).toEqual(["call_1_0", "call_1_1", "call_1_0", "call_1_1"]);
  expect(idsOf(contents([{ role: "model", parts: [{ text: "ok" }] }]))).toEqual(first);
});

test("a request of nothing is one", () => {
  expect(geminiOutbound.encodeRequest(requestOf({}), { model: "m", stream: false, scope: SCOPE }).losses).toEqual([]);
});
