// What is long takes no longer than it is: a client's history and a provider's answer of hundreds of thousands of parts are read once, and an answer
// without an end is ended.

import { expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";
import type { HubEvent } from "#src/wire/canonical.ts";
import { chatOutbound } from "#src/wire/chat/codec.ts";
import { inbound } from "#src/wire/codecs.ts";
import { collectBlocks } from "#src/wire/collect.ts";
import { responsesOutbound } from "#src/wire/responses/codec.ts";
import { translateFlow } from "#src/wire/translate.ts";
import { bytesOf, callTo, chatCall, clientEvents, decodePieces, META, SCOPE, translateStream } from "./cases.ts";

/** In which none of this takes a tenth, and what reads everything again for every part takes many times as much. */
const LONG_MS = 5_000;

function timed<Result>(act: () => Result): Result {
  const from = performance.now();
  const result = act();
  expect(performance.now() - from).toBeLessThan(LONG_MS);
  return result;
}

const asked = { model: "m", stream: false };
const target = { model: "m", stream: false, scope: SCOPE, quirks: {} };
const many = <Item>(count: number, make: (at: number) => Item) => Array.from({ length: count }, (_, at) => make(at));
const data = (body: Json) => `data: ${JSON.stringify(body)}\n\n`;
const chunk = (delta: Json, finish: string | null = null) =>
  data({ choices: [{ index: 0, delta, finish_reason: finish }] });
const fragment = (index: number, id: string, args: string) =>
  chunk({ tool_calls: [{ index, id, type: "function", function: { name: "f", arguments: args } }] });
const END = `${chunk({}, "tool_calls")}data: [DONE]\n\n`;
const empty = chatCall({ model: "m", max_tokens: 9, messages: [] });
const typesOf = (text: string) => clientEvents(text).map((event) => (event as { type: string }).type);

test("one id for every call of a history", () => {
  const messages = many(60_000, (at) => [
    { role: "assistant", content: [{ type: "tool_use", id: "t", name: "f", input: {} }] },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "t", content: String(at) }] },
  ]).flat();
  const { body } = timed(() => {
    const { request } = inbound.anthropic.decodeRequest({ model: "m", max_tokens: 9, messages }, asked);
    return chatOutbound.encodeRequest(request, target);
  });
  const told = (body as { messages: { content: Json }[] }).messages;
  expect([told.length, told.at(-1)!.content]).toEqual([120_000, "59999"]);
});

test("calls of a Gemini history without ids, all in one turn", () => {
  const contents = [
    { role: "model", parts: many(60_000, (at) => ({ functionCall: { name: "f", args: { at } } })) },
    {
      role: "user",
      parts: many(60_000, (at) => ({ functionResponse: { name: "f", response: { output: String(at) } } })),
    },
  ];
  const { request } = timed(() => inbound.gemini.decodeRequest({ contents }, asked));
  const ids = (kind: string) =>
    request.messages.flatMap(({ blocks }) =>
      blocks.flatMap((block) =>
        block.kind !== kind
          ? []
          : [block.kind === "tool_call" ? block.id : block.kind === "tool_result" ? block.callId : ""],
      ),
    );
  expect(ids("tool_result")).toEqual(ids("tool_call"));
});

test("an answer that begins with nothing but white space", () => {
  const blank = chunk({ content: "\n" }).repeat(300_000);
  const said = timed(() => translateStream(empty, [bytesOf(`${blank}${chunk({ content: "word" })}${END}`)]));
  expect(typesOf(said).filter((type) => type === "content_block_start")).toEqual(["content_block_start"]);
  expect(said.length).toBeLessThan(200_000);
  const event = (type: string, more: object) => `event: ${type}\n${data({ type, ...more })}`;
  const responses =
    event("response.output_item.added", { output_index: 0, item: { type: "message", id: "m" } }) +
    event("response.output_text.delta", { item_id: "m", output_index: 0, content_index: 0, delta: "\n" }).repeat(
      200_000,
    );
  timed(() => decodePieces(callTo(responsesOutbound).decodeStream(), [bytesOf(responses)]));
});

test("calls that are begun one after the other and never completed, and a long one between others", () => {
  const open = many(20_000, (at) => fragment(at, `c${at}`, '{"x":1,')).join("");
  timed(() => translateStream(empty, [bytesOf(open)]));
  const long = many(20_000, (at) => fragment(0, "", '"a":{},') + fragment(at + 1, `d${at}`, "{}")).join("");
  timed(() => translateStream(empty, [bytesOf(`${fragment(0, "c0", "{")}${long}`)]));
});

test("the blocks of a whole answer", () => {
  const events = many(100_000, (at): HubEvent[] => [
    { kind: "blockStart", key: `text:${at}`, head: { kind: "text" } },
    { kind: "delta", key: `text:${at}`, text: String(at) },
    { kind: "blockEnd", key: `text:${at}` },
  ]).flat();
  const blocks = timed(() => collectBlocks(events, { wraps: false, stop: { kind: "end" } as never }));
  expect([blocks.length, blocks.at(-1)]).toEqual([100_000, { kind: "text", text: "99999" }]);
});

test("more than 16 MiB that has to be kept ends an answer as a fault, and so do thousands of items", () => {
  const words = chunk({ content: "w".repeat(1024 * 1024) });
  const thoughts = chunk({ reasoning_content: "w".repeat(1024 * 1024) });
  const phaseAfter = (client: "anthropic" | "openai-responses", said: string, count: number) => {
    const flow = translateFlow(empty.decodeStream(), inbound[client].encodeStream(META), makeRedactor());
    for (let at = 0; at < count; at++) flow.push(bytesOf(said));
    flow.push(bytesOf(END));
    return [flow.phase(), flow.failure()?.message];
  };
  const fits = ["done", undefined];
  const breaks = ["failed", "the provider's answer is longer than 16 MiB"];
  expect([
    phaseAfter("openai-responses", words, 15),
    phaseAfter("openai-responses", words, 17),
    phaseAfter("anthropic", words, 17),
    phaseAfter("anthropic", thoughts, 17),
  ]).toEqual([fits, breaks, fits, breaks]);
  const output = many(3_000, (at) => ({
    ...{ type: "function_call", id: `f${at}`, call_id: `c${at}` },
    ...{ name: "f", arguments: "{}", status: "completed" },
  }));
  const whole = { object: "response", status: "completed", output };
  expect(() => callTo(responsesOutbound).decodeResponse(whole)).toThrow("more than 2000 items");
});
