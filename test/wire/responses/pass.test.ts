// A Responses stream that passes: the same bytes, whatever way they come; what it cost; how it ended; what is changed on the way there.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";
import { CUT, noCost } from "#src/wire/flow.ts";
import { passFlow } from "#src/wire/pass.ts";
import { responsesInbound, responsesPass } from "#src/wire/responses/codec.ts";
import { bytesOf, type Members, SCOPE } from "../cases.ts";
import { eventText, META } from "./cases.ts";

const target = { model: "upstream-model", stream: true, scope: SCOPE };
const redact = makeRedactor(["the-SECRET-value"]);
const watch = () => responsesPass.prepare(bytesOf("{}"), target).watchStream();
const flow = () => passFlow(watch(), responsesInbound.encodeStream(META), redact);
const sse = (...events: Json[]) => events.map(eventText).join("");
const unnamed = (...events: Json[]) => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
/** Its number is that of the events before it, which others sent. */
const failed = (error: { status: number; type: "server" | "overloaded" | "rate_limit"; message: string }, passed = 0) =>
  responsesInbound.encodeStream(META).fail(error, passed);
const cut = (passed: number) => failed({ status: 502, type: "server", message: CUT }, passed);

const usage = { input_tokens: 100, input_tokens_details: { cached_tokens: 64 }, output_tokens: 42, total_tokens: 142 };
const counted = { input: 36, output: 42, cacheRead: 64, cacheWrite: 0 };
const created = { type: "response.created", response: { id: "resp_1", status: "in_progress", usage: null } };
const added = { type: "response.output_item.added", output_index: 0, item: { type: "message", id: "msg_1" } };
const word = { type: "response.output_text.delta", item_id: "msg_1", delta: '{"type":"response.completed"} 👋' };
const completed = { type: "response.completed", response: { id: "resp_1", status: "completed", usage } };
const incomplete = { type: "response.incomplete", response: { status: "incomplete", usage } };
const broken = {
  type: "response.failed",
  response: { status: "failed", usage, error: { code: "rate_limit_exceeded", message: "slow the-SECRET-value" } },
};
const slow = (passed: number) => failed({ status: 429, type: "rate_limit", message: "slow [redacted]" }, passed);

type Case = { name: string; sent: string; got: string; phase: string; cost: typeof noCost };
const whole = (name: string, sent: string): Case => ({ name, sent, got: sent, phase: "done", cost: counted });
const streams: Case[] = [
  whole("a whole answer", sse(created, added, word, completed)),
  whole("an answer that a limit ended", sse(created, added, word, incomplete)),
  whole("events without names", unnamed(created, added, word, completed)),
  whole(
    "events named after nothing",
    sse(created) + unnamed(added, word, completed).replaceAll("data:", "event: message\ndata:"),
  ),
  whole("lines without a space", sse(created, added, word, completed).replaceAll(": ", ":")),
  whole(
    "comments and events nobody knows",
    `: hello\n\n${sse({ type: "keepalive" }, { type: "response.thing.of_tomorrow" }, added, completed)}`,
  ),
  { ...whole("no usage", sse(added, { type: "response.completed", response: {} })), cost: noCost },
  {
    name: "cut after content",
    sent: sse(created, added),
    got: sse(created, added) + cut(2),
    phase: "failed",
    cost: noCost,
  },
  {
    name: "cut inside the last word",
    sent: sse(added, completed).slice(0, -40),
    got: sse(added) + cut(1),
    phase: "failed",
    cost: noCost,
  },
  {
    name: "failed",
    sent: sse(created, word, broken, completed),
    got: sse(created, word) + slow(2),
    phase: "failed",
    cost: counted,
  },
  {
    name: "failed without names",
    sent: unnamed(created, broken),
    got: unnamed(created) + slow(1),
    phase: "failed",
    cost: counted,
  },
  {
    name: "an error event",
    sent: sse({ type: "error", code: "server_is_overloaded", message: "busy" }),
    got: failed({ status: 503, type: "overloaded", message: "busy" }),
    phase: "failed",
    cost: noCost,
  },
  {
    name: "an error without a type",
    sent: 'data: {"error":{"message":"no","code":"rate_limit_exceeded"}}\n\n',
    got: failed({ status: 429, type: "rate_limit", message: "no" }),
    phase: "failed",
    cost: noCost,
  },
  { name: "nothing", sent: "", got: cut(0), phase: "failed", cost: noCost },
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

  test("is cut anywhere before its last word, and fails", () => {
    const events = [created, added, word, completed].map(eventText);
    for (let count = 0; count < events.length; count++) {
      const passed = flow();
      passed.push(bytesOf(events.slice(0, count).join("")));
      passed.end();
      expect({ count, phase: passed.phase() }).toEqual({ count, phase: "failed" });
    }
  });

  test("nothing is committed before content comes", () => {
    const call = { type: "response.function_call_arguments.delta", delta: "{" };
    for (const write of [sse, unnamed]) {
      for (const content of [added, word, call, { type: "response.output_item.done", item: {} }]) {
        const passed = flow();
        const phases = [created, { type: "response.in_progress" }, content, completed].map((event) => {
          passed.push(bytesOf(write(event)));
          return passed.phase();
        });
        expect(phases).toEqual(["held", "held", "live", "done"]);
      }
    }
  });

  test("deltas are told by their first bytes and not read", () => {
    const kinds = [
      "event: response.output_text.delta\ndata: not read\n\n",
      'data: {"type":"response.output_text.delta", not read\n\n',
    ].map((text) => watch().frame(bytesOf(text)).kind);
    expect(kinds).toEqual(["content", "content"]);
  });
});

describe("what goes on its way", () => {
  const prepare = (text: string) => new TextDecoder().decode(responsesPass.prepare(bytesOf(text), target).body);

  test("the path, without the client's query", () => {
    expect(responsesPass.path(target, "?a=b")).toBe("/responses");
  });

  test("the model changes, what tells about the machine is gone, every other byte stays", () => {
    const body = (model: string, data: string) =>
      `{ "model":"${model}", "input" : [ {"x":1.0} ]${data},\n"store":false }`;
    expect(prepare(body("lane", ', "client_metadata": {"installation_id":"x"}'))).toBe(body("upstream-model", ""));
    expect(prepare(body("lane", ""))).toBe(body("upstream-model", ""));
  });

  const said = { type: "message", role: "assistant", content: "ok", encrypted_content: null };
  const reasoning = (members: Members): Members => ({ type: "reasoning", summary: [], ...members });
  const native = reasoning({ id: "rs_68ab", encrypted_content: "gAAA" });
  const inputOf = (input: Json) => (JSON.parse(prepare(JSON.stringify({ model: "m", input }))) as Members)["input"];

  test("reasoning that OpenAI did not encrypt stays here", () => {
    const foreign = [
      reasoning({ id: "rs_req_abc_0", encrypted_content: "broke1.anthropic.0123456789abcdef.signature.c2ln" }),
      reasoning({ id: "rs_req_a-_b_0", encrypted_content: null }),
      reasoning({ encrypted_content: null }),
      reasoning({ id: "rs_req_abc_0" }),
      reasoning({}),
    ];
    for (const item of foreign) expect(inputOf([native, item, said])).toEqual([native, said]);
    const spaced = '{ "type" : "reasoning" , "encrypted_content" : null }';
    expect(prepare(`{"model":"m","input":[${spaced}]}`)).toBe('{"model":"upstream-model","input":[]}');
  });

  test("OpenAI's own goes back, and what may be stored there", () => {
    const stored = reasoning({ id: "rs_68ab", encrypted_content: null });
    const text = { type: "message", role: "user", content: 'see "broke1.' };
    for (const input of [[native, said], [stored, said], [native, text], "text with null"]) {
      expect(inputOf(input)).toEqual(input);
    }
  });

  test("a body that cannot be spliced is refused", () => {
    for (const body of ["[]", '{"model":"a","model":"b"}', "{"]) {
      expect(() => prepare(body)).toThrow(expect.objectContaining({ kind: "usage" }) as unknown as Error);
    }
  });
});

describe("a whole answer that passes", () => {
  const read = (body: Json) => responsesPass.readWhole(body);

  test("what it cost", () => {
    expect(read({ object: "response", status: "completed", output: [], usage })).toEqual(counted);
    expect(read({ object: "response", status: "incomplete", output: [] })).toEqual(noCost);
  });

  test("what is none", () => {
    const failure = { status: "failed", output: [], error: { message: "sorry", code: "server_error" } };
    const table: [Json, string][] = [
      [failure, "sorry"],
      [{ error: { message: "no" } }, "no"],
      [{ status: "completed" }, "not a response"],
      ["hello", "not a response"],
    ];
    for (const [body, message] of table) {
      expect(() => read(body)).toThrow(message);
      expect(() => read(body)).toThrow(expect.objectContaining({ kind: "upstream" }) as unknown as Error);
    }
    expect(() => responsesPass.readWhole(undefined)).toThrow("not a response");
    expect(responsesPass.errorInAnswer?.(failure)).toEqual({ status: 502, type: "server", message: "sorry" });
  });
});
