// A Chat stream that passes: the same bytes, whatever way they come; what it cost; how it ended; what is changed on the way there.

import { describe, expect, test } from "bun:test";
import { type Json, parseJson } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";
import { chatInbound } from "#src/wire/chat/codec.ts";
import { chatPass } from "#src/wire/chat/pass.ts";
import { CUT, noCost } from "#src/wire/flow.ts";
import { passFlow } from "#src/wire/pass.ts";
import { bytesOf, type Members, META, SCOPE } from "../cases.ts";

const target = { model: "upstream-model", stream: true, scope: SCOPE };
const redact = makeRedactor(["the-SECRET-value"]);
const watch = (request: Members = {}) => chatPass.prepare(bytesOf(JSON.stringify(request)), target).watchStream();
const flow = (request?: Members) => passFlow(watch(request), chatInbound.encodeStream(META), redact);
const sse = (...chunks: Json[]) =>
  chunks.map((chunk) => `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`).join("");
const choice = (delta: Json, reason: string | null = null, index = 0): Members => ({
  choices: [{ index, delta, finish_reason: reason }],
});
const failed = (error: Parameters<ReturnType<typeof chatInbound.encodeStream>["fail"]>[0]) =>
  chatInbound.encodeStream(META).fail(error);
const cut = failed({ status: 502, type: "server", message: CUT });
const gaveUp = failed({
  status: 502,
  type: "server",
  message: "the provider gave up in the middle of its answer",
});

const usage = { prompt_tokens: 100, completion_tokens: 42, prompt_tokens_details: { cached_tokens: 64 } };
const counted = { input: 36, output: 42, cacheRead: 64, cacheWrite: 0 };
const role = choice({ role: "assistant", content: "", refusal: null, tool_calls: [] });
const word = choice({ content: '{"finish_reason":"stop","usage":1} [] 👋' });
const call = choice({ tool_calls: [{ index: 0, id: "a", function: { name: "Read", arguments: "{}" } }] });
const last = choice({}, "stop");
const total = { choices: [], usage };
const asks = { stream_options: { include_usage: true } };

type Case = { name: string; request?: Members; sent: string; got?: string; phase: string; cost: typeof noCost };
const streams: Case[] = [
  { name: "a whole answer", sent: sse(role, word, last, "[DONE]"), phase: "done", cost: noCost },
  {
    name: "what it cost is told to who asked",
    request: asks,
    sent: sse(role, call, last, total, "[DONE]"),
    phase: "done",
    cost: counted,
  },
  {
    name: "and to nobody else",
    sent: sse(role, call, last, total, "[DONE]"),
    got: sse(role, call, last, "[DONE]"),
    phase: "done",
    cost: counted,
  },
  {
    name: "cost beside the last choice stays where it is",
    sent: sse(role, word, { ...last, usage }, "[DONE]"),
    phase: "done",
    cost: counted,
  },
  {
    name: "cost that is null in every chunk",
    sent: sse({ ...role, usage: null }, { ...word, usage: null }, { ...last, usage: null }, "[DONE]"),
    phase: "done",
    cost: noCost,
  },
  { name: "no last word but a reason", sent: sse(role, word, last), phase: "done", cost: noCost },
  {
    name: "a last word without a reason, behind content",
    sent: sse(role, word, "[DONE]"),
    phase: "done",
    cost: noCost,
  },
  { name: "cut in a text", sent: sse(role, word), got: sse(role, word) + cut, phase: "failed", cost: noCost },
  {
    name: "cut inside an event: half of one helps nobody",
    sent: `${sse(role, word)}data: {"choices":[{"delta":{"conte`,
    got: sse(role, word) + cut,
    phase: "failed",
    cost: noCost,
  },
  { name: "nothing but the last word", sent: sse("[DONE]"), got: cut, phase: "failed", cost: noCost },
  { name: "nothing", sent: "", got: cut, phase: "failed", cost: noCost },
  {
    name: "an error beside no choices",
    sent: sse(role, word, { choices: [], error: { code: 429, message: "slow the-SECRET-value" } }, word, "[DONE]"),
    got: sse(role, word) + failed({ status: 429, type: "rate_limit", message: "slow [redacted]" }),
    phase: "failed",
    cost: noCost,
  },
  {
    name: "an error with a name",
    sent: `event: error\n${sse({ message: "no" })}`,
    got: failed({ status: 502, type: "server", message: "no" }),
    phase: "failed",
    cost: noCost,
  },
  {
    name: "a reason that means failure",
    sent: sse(role, word, choice({}, "insufficient_system_resource"), "[DONE]"),
    got: sse(role, word) + gaveUp,
    phase: "failed",
    cost: noCost,
  },
  {
    name: "comments, and chunks nobody knows",
    sent: `: hello\n\n${sse({ choices: [], prompt_filter_results: [] }, role, { new: 1.0 }, word, last, "[DONE]")}`,
    phase: "done",
    cost: noCost,
  },
  {
    name: "no blank line at the end",
    sent: sse(role, word, last, "[DONE]").trimEnd(),
    got: sse(role, word, last, "[DONE]"),
    phase: "done",
    cost: noCost,
  },
  {
    name: "two answers, both over",
    request: { n: 2 },
    sent: sse(word, choice({ content: "b" }, null, 1), last, choice({}, "stop", 1)),
    phase: "done",
    cost: noCost,
  },
  {
    name: "two answers, one over",
    request: { n: 2 },
    sent: sse(word, choice({ content: "b" }, null, 1), last),
    got: sse(word, choice({ content: "b" }, null, 1), last) + cut,
    phase: "failed",
    cost: noCost,
  },
];

describe("a stream that passes", () => {
  for (const { name, request, sent, got = sent, phase, cost } of streams) {
    test(name, () => {
      const all = bytesOf(sent);
      for (let at = 0; at <= all.length; at++) {
        const passed = flow(request);
        const out = [passed.push(all.subarray(0, at)), passed.push(all.subarray(at)), passed.end()];
        const text = new TextDecoder().decode(Buffer.concat(out));
        if (text !== got || passed.phase() !== phase) {
          expect({ at, text, phase: passed.phase() as string }).toEqual({ at, text: got, phase });
        }
        expect(passed.cost()).toEqual(cost);
      }
    });
  }

  test("nothing is committed before content comes, whatever it is", () => {
    for (const content of [
      word,
      call,
      choice({ reasoning_content: "hm" }),
      choice({ reasoning: "hm" }),
      choice({ function_call: { name: "f" } }),
      choice({ audio: { id: "a" } }),
    ]) {
      const passed = flow();
      const phases = [role, content, last, "[DONE]"].map((chunk) => {
        passed.push(bytesOf(sse(chunk)));
        return passed.phase();
      });
      expect(phases).toEqual(["held", "live", "live", "done"]);
    }
  });

  test("once content flows, pieces are not read", () => {
    const watched = watch();
    watched.frame(bytesOf(sse(word)));
    expect(watched.frame(bytesOf("data: not read\n\n"))).toEqual({ kind: "content" });
    expect(watched.frame(bytesOf(sse({ error: { message: "no", code: 500 } }))).kind).toBe("error");
  });
});

describe("what goes on its way", () => {
  const prepare = (text: string, stream = true, quirks = {}) =>
    new TextDecoder().decode(chatPass.prepare(bytesOf(text), { ...target, stream, quirks }).body);

  test("the path, without the client's query", () => {
    expect(chatPass.path(target, "?a=b")).toBe("/chat/completions");
  });

  test("the model changes, every other byte stays", () => {
    const body = (model: string) => `{ "model":"${model}", "messages" : [ {"x":1.0, "reasoning_content":"h"} ] }`;
    expect(prepare(body("lane"), false)).toBe(body("upstream-model"));
  });

  test("a stream is asked what it cost, unless the client did or the backend refuses that", () => {
    expect(prepare('{"model":"m"}')).toBe('{"stream_options":{"include_usage":true},"model":"upstream-model"}');
    expect(prepare('{"model":"m","stream_options":null}')).toBe(
      '{"model":"upstream-model","stream_options":{"include_usage":true}}',
    );
    expect(prepare('{"model":"m","stream_options":{"include_obfuscation":false,"include_usage":false}}')).toBe(
      '{"model":"upstream-model","stream_options":{"include_obfuscation":false,"include_usage":true}}',
    );
    expect(prepare('{"model":"m","stream_options":{ "include_usage" : true }}')).toBe(
      '{"model":"upstream-model","stream_options":{ "include_usage" : true }}',
    );
    expect(prepare('{"model":"m"}', true, { streamUsage: false })).toBe('{"model":"upstream-model"}');
  });

  test("what cannot be spliced is refused", () => {
    expect(() => prepare('{"model":"m","model":"n"}')).toThrow("two members");
  });
});

describe("a whole answer that passes", () => {
  const whole = (body: Json) => chatPass.readWhole(body);

  test("what it cost", () => {
    expect(whole({ choices: [], usage })).toEqual(counted);
    expect(whole({ choices: [{ message: { content: "hi" }, finish_reason: "stop" }] })).toEqual(noCost);
  });

  for (const body of ["", "{", "[]", "<html>", '{"id":"x"}']) {
    test(`no completion: ${body}`, () => {
      expect(() => chatPass.readWhole(parseJson(body))).toThrow("not a completion");
    });
  }

  test("an error with status 200 is told apart", () => {
    expect(chatPass.errorInAnswer?.({ error: { message: "slow", code: 429 } })).toEqual({
      status: 429,
      type: "rate_limit",
      message: "slow",
    });
    expect(chatPass.errorInAnswer?.({ error: null, choices: [] })).toBeUndefined();
    expect(chatPass.errorInAnswer?.(undefined)).toBeUndefined();
  });
});
