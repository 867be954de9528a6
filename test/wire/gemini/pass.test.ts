// A Gemini stream that passes: the same bytes, whatever way they come; what it cost; how it ended; what is changed on the way there.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";
import type { WireError } from "#src/wire/errors.ts";
import { type Cost, CUT, noCost } from "#src/wire/flow.ts";
import { geminiInbound, geminiPass } from "#src/wire/gemini/codec.ts";
import { passFlow } from "#src/wire/pass.ts";
import { bytesOf, chunkText, type Members, META, SCOPE } from "./cases.ts";

const target = { model: "gemini-3-flash", stream: true, scope: SCOPE };
const redact = makeRedactor(["the-SECRET-value"]);
const watch = () => geminiPass.prepare(bytesOf("{}"), target).watchStream();
const flow = () => passFlow(watch(), geminiInbound.encodeStream(META), redact);
const sse = (...chunks: Json[]) => chunks.map(chunkText).join("");
const failed = (error: WireError) => geminiInbound.encodeStream(META).fail(error);
const cut = failed({ status: 502, type: "server", message: CUT });

const usageMetadata = {
  promptTokenCount: 100,
  cachedContentTokenCount: 64,
  candidatesTokenCount: 20,
  thoughtsTokenCount: 22,
  totalTokenCount: 142,
};
const counted = { input: 36, output: 42, cacheRead: 64, cacheWrite: 0 };
const says = (parts: Json[], more: Members = {}, outer: Members = {}) => ({
  candidates: [{ content: { role: "model", parts }, index: 0, ...more }],
  ...outer,
});
const first = says([{ text: "hm", thought: true }], {}, { usageMetadata: { promptTokenCount: 100 } });
const word = says([{ text: 'not an {"error"} nor a "finishReason" 👋' }]);
const last = says([{ text: "", thoughtSignature: "c2ln" }], { finishReason: "STOP" }, { usageMetadata });
const slow = { code: 429, message: "slow the-SECRET-value", status: "RESOURCE_EXHAUSTED" };
const told = failed({ status: 429, type: "rate_limit", message: "slow [redacted]" });

type Case = { name: string; sent: string; got: string; phase: string; cost: Cost };
const whole = (name: string, sent: string, cost: Cost = counted): Case => ({
  name,
  sent,
  got: sent,
  phase: "done",
  cost,
});
const broken = (name: string, sent: string, got: string, cost: Cost = noCost): Case => ({
  name,
  sent,
  got,
  phase: "failed",
  cost,
});
const early: Cost = { input: 100, output: null, cacheRead: 0, cacheWrite: 0 };
const streams: Case[] = [
  whole("a whole answer", sse(first, word, last)),
  whole("lines that end in LF", sse(first, word, last).replaceAll("\r\n", "\n")),
  whole("comments and what nobody knows", `: hello\n\n${sse({ thingOfTomorrow: 1 }, word, last)}`),
  whole("usage in every chunk", sse({ ...first, usageMetadata }, { ...word, usageMetadata }, last)),
  whole("usage behind the end", sse(word, says([], { finishReason: "STOP" }), { usageMetadata })),
  whole("an answer that a limit ended", sse(word, says([], { finishReason: "MAX_TOKENS" }, { usageMetadata }))),
  whole(
    "a malformed call, which the client knows",
    sse(says([], { finishReason: "MALFORMED_FUNCTION_CALL" }, { usageMetadata })),
  ),
  whole("refused without content", sse({ candidates: [{ finishReason: "SAFETY" }], usageMetadata })),
  whole("a blocked prompt", sse({ promptFeedback: { blockReason: "SAFETY" }, usageMetadata })),
  whole("no usage", sse(word, says([], { finishReason: "STOP" })), noCost),
  broken("cut after content", sse(first, word), sse(first, word) + cut, early),
  broken(
    "cut after a call",
    sse(says([{ functionCall: { name: "f" } }])),
    sse(says([{ functionCall: { name: "f" } }])) + cut,
  ),
  broken("cut inside the last chunk", sse(word, last).slice(0, -60), sse(word) + cut),
  broken("an error at once", sse({ error: slow }, last), told),
  broken("an error behind content", sse(word, { error: slow }, last), sse(word) + told),
  broken("an error with a name", `event: error\r\n${sse({ error: slow })}`, told),
  broken(
    "an error between the events",
    `${sse(word)}${JSON.stringify({ error: slow }, null, 2)}\r\n\r\n`,
    sse(word) + told,
  ),
  broken("nothing", "", cut),
];

describe("a stream that passes", () => {
  for (const { name, sent, got, phase, cost } of streams) {
    test(name, () => {
      const all = bytesOf(sent);
      for (let at = 0; at <= all.length; at++) {
        const passed = flow();
        const out = [passed.push(all.subarray(0, at)), passed.push(all.subarray(at)), passed.end()];
        const text = new TextDecoder().decode(Buffer.concat(out));
        if (text !== got || passed.phase() !== phase) {
          expect({ at, text, phase: passed.phase() as string }).toEqual({ at, text: got, phase });
        }
        expect(passed.cost()).toEqual(cost);
      }
    });
  }

  test("is cut anywhere before its finish reason, and fails", () => {
    const chunks = [first, word, last].map(chunkText);
    for (let count = 0; count < chunks.length; count++) {
      const passed = flow();
      passed.push(bytesOf(chunks.slice(0, count).join("")));
      passed.end();
      expect({ count, phase: passed.phase() }).toEqual({ count, phase: "failed" });
    }
  });

  test("nothing is committed before content comes", () => {
    const contents = [first, word, says([{ functionCall: { name: "f", args: {} } }]), says([{ executableCode: {} }])];
    for (const content of contents) {
      const passed = flow();
      const phases = [{ usageMetadata }, says([]), content].map((chunk) => {
        passed.push(bytesOf(sse(chunk)));
        return passed.phase();
      });
      expect(phases).toEqual(["held", "held", "live"]);
    }
  });

  test("once content has come, pieces that say no more are not read", () => {
    const watched = watch();
    expect(watched.frame(bytesOf(sse(word))).kind).toBe("content");
    expect(watched.frame(bytesOf("data: not read\n\n")).kind).toBe("content");
    expect(watch().frame(bytesOf("data: read\n\n")).kind).toBe("other");
  });
});

describe("what goes on its way", () => {
  const prepare = (text: string, quirks = {}) =>
    new TextDecoder().decode(geminiPass.prepare(bytesOf(text), { ...target, quirks }).body);

  test("the model and the method are in the path, nothing of the client's query", () => {
    const path = "/models/gemini-3-flash:streamGenerateContent?alt=sse";
    for (const query of ["", "?alt=sse", "?key=secret&alt=json&fields=x"]) {
      expect(geminiPass.path(target, query)).toBe(path);
    }
    expect(geminiPass.path({ ...target, stream: false }, "?key=secret")).toBe("/models/gemini-3-flash:generateContent");
  });

  test("every byte stays", () => {
    const body = '{ "contents" : [ {"parts":[{"text":"x","n":1.0, "thoughtSignature":"c2ln"}]} ],\n"tools":[] }';
    expect(prepare(body)).toBe(body);
  });

  const SEAL = "broke1.anthropic.0123456789abcdef.signature.c2ln";
  const SENTINEL = "skip_thought_signature_validator";
  const ask = { role: "user", parts: [{ text: "go" }] };
  const call = { functionCall: { id: "a", name: "f", args: {} } };
  const contentsOf = (contents: Json, quirks = {}) =>
    (JSON.parse(prepare(JSON.stringify({ contents, generationConfig: {} }), quirks)) as Members)["contents"];
  const model = (...parts: Json[]) => [ask, { role: "model", parts }];

  test("signatures that Google did not mint stay here", () => {
    const native = { text: "x", thoughtSignature: "bmF0aXZl" };
    const foreign = [
      { text: "Hello", thoughtSignature: SEAL },
      { ...call, thoughtSignature: SEAL },
      { text: "", thoughtSignature: SEAL },
      { ...call, thought_signature: SEAL },
    ];
    expect(contentsOf(model(native, ...foreign))).toEqual(model(native, { text: "Hello" }, call, call));
    expect(contentsOf(model(native, ...foreign), { reasoningEffort: true })).toEqual(
      model(
        native,
        { text: "Hello" },
        { ...call, thoughtSignature: SENTINEL },
        { ...call, thought_signature: SENTINEL },
      ),
    );
  });

  test("the first call of every step of the current turn is excused, wherever the signature stood", () => {
    const excused = { ...call, thoughtSignature: SENTINEL };
    const results = { role: "user", parts: [{ functionResponse: { id: "a", name: "f", response: {} } }] };
    const step = (...parts: Json[]) => [{ role: "model", parts }, results];
    const said = { text: "Hello" };
    const contents = [
      ...[ask, ...step(said, call)],
      ...[ask, ...step({ ...said, thoughtSignature: SEAL }, call, call), ...step(call), ...step(excused)],
    ];
    const loose = [...[ask, ...step(said, call)], ...[ask, ...step(said, call, call), ...step(call), ...step(excused)]];
    expect(contentsOf(contents)).toEqual(loose);
    const strict = [
      ...[ask, ...step(said, call)],
      ...[ask, ...step(said, excused, call), ...step(excused), ...step(excused)],
    ];
    expect(contentsOf(contents, { reasoningEffort: true })).toEqual(strict);
  });

  test("a content of nothing else goes with them", () => {
    expect(contentsOf([...model({ text: "", thoughtSignature: SEAL }), ask])).toEqual([ask, ask]);
  });

  test("Google's own, the client's sentinel and what only looks like one go on", () => {
    const table: Json[] = [
      model({ ...call, thoughtSignature: "bmF0aXZl" }),
      model({ ...call, thoughtSignature: SENTINEL }),
      model({ text: 'see "broke1.', thoughtSignature: "bmF0aXZl" }),
      model({ ...call, thoughtSignature: "broke1.nobody" }),
    ];
    for (const contents of table) {
      const text = JSON.stringify({ contents });
      expect(prepare(text, { reasoningEffort: true })).toBe(text);
    }
  });

  test("a body that cannot be spliced is refused", () => {
    for (const body of ["[]", '{"contents":[],"contents":[]}', "{"]) {
      expect(() => prepare(body)).toThrow(expect.objectContaining({ kind: "usage" }) as unknown as Error);
    }
  });
});

describe("a whole answer that passes", () => {
  const read = (body: Json) => geminiPass.readWhole(body);

  test("what it cost", () => {
    expect(read(last)).toEqual(counted);
    expect(read({ promptFeedback: { blockReason: "SAFETY" }, usageMetadata })).toEqual(counted);
    expect(read(word)).toEqual(noCost);
  });

  test("what is none", () => {
    const table: Json[] = [{}, { error: slow }, "hello", [last]];
    for (const body of table) {
      expect(() => read(body)).toThrow(expect.objectContaining({ kind: "upstream" }) as unknown as Error);
    }
    expect(() => geminiPass.readWhole(undefined)).toThrow("not a response");
  });

  test("an error is told apart", () => {
    expect(geminiPass.errorInAnswer?.([{ error: slow }])).toEqual({
      status: 429,
      type: "rate_limit",
      message: "slow the-SECRET-value",
    });
    expect(geminiPass.errorInAnswer?.(last)).toBeUndefined();
  });
});
