// Half a call is found only behind a limit or a refusal; anywhere else the answer has failed, for every client and from every provider that can cut one.

import { describe, expect, test } from "bun:test";
import { dialects } from "#src/core/dialects.ts";
import type { Json } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";
import { chatOutbound } from "#src/wire/chat/codec.ts";
import { inbound } from "#src/wire/codecs.ts";
import type { OutboundCodec } from "#src/wire/dialect.ts";
import { messagesOutbound } from "#src/wire/messages/codec.ts";
import { responsesOutbound } from "#src/wire/responses/codec.ts";
import { translateFlow } from "#src/wire/translate.ts";
import { bytesOf, callTo, META } from "./cases.ts";

const named = (type: string, more: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const use = { type: "tool_use", id: "t", name: "f", input: {} };
const item = (args: string) => ({ type: "function_call", id: "f1", call_id: "c1", name: "f", arguments: args });

/** One call with these arguments, as each provider streams it; `cut`: a limit ended the answer. */
const streams: [string, OutboundCodec, (args: string, cut: boolean) => string][] = [
  [
    "Chat",
    chatOutbound,
    (args, cut) =>
      `${chunk({ tool_calls: [{ index: 0, id: "t", function: { name: "f", arguments: args } }] })}${chunk({}, cut ? "length" : "tool_calls")}data: [DONE]\n\n`,
  ],
  [
    "Messages",
    messagesOutbound,
    (args, cut) =>
      named("message_start", { message: { id: "m", usage: { input_tokens: 1, output_tokens: 1 } } }) +
      named("content_block_start", { index: 0, content_block: use }) +
      named("content_block_delta", { index: 0, delta: { type: "input_json_delta", partial_json: args } }) +
      named("content_block_stop", { index: 0 }) +
      named("message_delta", { delta: { stop_reason: cut ? "max_tokens" : "tool_use" } }) +
      named("message_stop", {}),
  ],
  [
    "Responses",
    responsesOutbound,
    (args, cut) => {
      const status = cut ? "incomplete" : "completed";
      const response = {
        ...{ object: "response", status, output: [{ ...item(args), status }] },
        ...(cut ? { incomplete_details: { reason: "max_output_tokens" } } : {}),
      };
      return (
        named("response.output_item.added", { output_index: 0, item: item("") }) +
        named("response.function_call_arguments.delta", { item_id: "f1", output_index: 0, delta: args }) +
        named(`response.${status}`, { response })
      );
    },
  ],
];

describe.each(streams)("a stream of %s", (_, codec, stream) => {
  test.each([...dialects])("to a client of %s", (client) => {
    const phaseAfter = (args: string, cut: boolean) => {
      const flow = translateFlow(callTo(codec).decodeStream(), inbound[client].encodeStream(META), makeRedactor());
      flow.push(bytesOf(stream(args, cut)));
      flow.end();
      return flow.phase();
    };
    expect([phaseAfter('{"x":', false), phaseAfter('{"x":', true)]).toEqual(["failed", "done"]);
    expect(['{"x":1}', "", " "].map((args) => phaseAfter(args, false))).toEqual(["done", "done", "done"]);
  });
});

test("a whole answer", () => {
  const chat = (args: string, finish: string): Json => ({
    choices: [
      {
        message: { tool_calls: [{ id: "t", type: "function", function: { name: "f", arguments: args } }] },
        finish_reason: finish,
      },
    ],
  });
  const responses = (args: string): Json => ({ object: "response", status: "completed", output: [item(args)] });
  expect(() => callTo(chatOutbound).decodeResponse(chat('{"x":', "tool_calls"))).toThrow("half a tool call");
  expect(() => callTo(responsesOutbound).decodeResponse(responses('{"x":'))).toThrow("half a tool call");
  expect(callTo(chatOutbound).decodeResponse(chat('{"x":', "length")).blocks).toHaveLength(1);
  expect(callTo(responsesOutbound).decodeResponse(responses('{"x":1}')).blocks).toHaveLength(1);
});
