// What an answer loses on its way to a client of another dialect: named by kind, whole and streamed, and words in its place where nothing else is left.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { loseOfAnswer } from "#src/wire/answer-losses.ts";
import { outbound } from "#src/wire/codecs.ts";
import type { Loss } from "#src/wire/losses.ts";
import { bytesOf, callTo, decodePieces } from "./cases.ts";

const IMAGE = "[an image that cannot be shown here was left out]";
const CONTENT = "[content that cannot be shown here was left out]";

type Case = { name: string; dialect: Dialect; whole: Json; frames: Json[]; lost: string[]; text: string };

const completion = (message: Json): Json => ({ choices: [{ message, finish_reason: "stop" }] });
const chunks = (...deltas: Json[]): Json[] => [
  ...deltas.map((delta): Json => ({ choices: [{ index: 0, delta }] })),
  { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
];
const chat = (name: string, message: Json, lost: string[], text: string): Case => ({
  ...{ name, dialect: "openai-chat", lost, text, whole: completion(message), frames: chunks(message) },
});
const responses = (name: string, output: Json[], lost: string[], text: string): Case => ({
  ...{ name, dialect: "openai-responses", lost, text, whole: { status: "completed", output } },
  frames: [
    ...output.map((item, output_index): Json => ({ type: "response.output_item.done", output_index, item })),
    // Some end with an answer that is empty.
    { type: "response.completed", response: { status: "completed", output: [] } },
  ],
});
const gemini = (name: string, parts: Json[], aside: object, lost: string[], text: string): Case => {
  const candidate = { content: { role: "model", parts }, finishReason: "STOP", ...aside };
  return {
    ...{ name, dialect: "gemini", lost, text, whole: { candidates: [candidate] } },
    frames: [{ candidates: [candidate] }],
  };
};
const messages = (name: string, content: { [key: string]: Json }[], lost: string[], text: string): Case => ({
  ...{ name, dialect: "anthropic", lost, text, whole: { content, stop_reason: "end_turn" } },
  frames: [
    { type: "message_start", message: {} },
    ...content.flatMap((block, index): Json[] => [
      { type: "content_block_start", index, content_block: block },
      { type: "content_block_stop", index },
    ]),
    { type: "message_delta", delta: { stop_reason: "end_turn" } },
    { type: "message_stop" },
  ],
});

const said = (text: string, annotations: Json[]): Json => ({
  ...{ type: "message", id: "m", role: "assistant" },
  content: [{ type: "output_text", text, annotations }],
});
const inline = (mimeType: string): Json => ({ inlineData: { mimeType, data: "aGk=" } });
const picture = { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } };
const cite = { type: "url_citation", url: "https://a.test" };

const cases: Case[] = [
  chat("only a picture", { content: null, images: [picture] }, ["image"], IMAGE),
  chat("a picture beside a text", { content: "Here.", images: [picture] }, ["image"], "Here."),
  chat("a picture in its content", { content: [picture] }, ["image"], IMAGE),
  chat("sound", { content: null, audio: { id: "a", data: "aGk=" } }, ["sound"], CONTENT),
  chat("citations", { content: "So.", annotations: [cite] }, ["citations"], "So."),
  chat("a part nobody knows", { content: [{ type: "hologram" }] }, ["hologram"], CONTENT),
  chat("nothing of them", { content: "Hi", images: [], annotations: [], audio: null }, [], "Hi"),
  responses("only a picture", [{ type: "image_generation_call", id: "i", result: "aGk=" }], ["image"], IMAGE),
  responses(
    "a search and what it cites",
    [{ type: "web_search_call", id: "w" }, said("So.", [cite])],
    ["web_search_call", "citations"],
    "So.",
  ),
  responses("nothing of them", [said("Hi", [])], [], "Hi"),
  gemini("only a picture", [inline("image/png")], {}, ["image"], IMAGE),
  gemini("sound and a file", [inline("audio/wav"), inline("application/pdf")], {}, ["sound", "document"], CONTENT),
  gemini("code that Google ran", [{ executableCode: { code: "1" } }, { text: "1" }], {}, ["executableCode"], "1"),
  gemini(
    "what it found and cites",
    [{ text: "So." }],
    { groundingMetadata: { webSearchQueries: ["a"] }, citationMetadata: { citations: [{}] } },
    ["groundingMetadata", "citations"],
    "So.",
  ),
  gemini("nothing of them", [{ text: "Hi" }], { groundingMetadata: {} }, [], "Hi"),
  messages("what it ran itself", [{ type: "server_tool_use", id: "s", name: "x" }], ["server_tool_use"], CONTENT),
  messages("citations", [{ type: "text", text: "So.", citations: [{}] }], ["citations"], "So."),
  messages("nothing of them", [{ type: "text", text: "Hi", citations: null }], [], "Hi"),
];

for (const { name, dialect, whole, frames, lost, text } of cases) {
  describe(`${dialect}: ${name}`, () => {
    test("whole", () => {
      const { blocks, losses = [] } = callTo(outbound[dialect]).decodeResponse(whole);
      expect(losses.map(({ what }) => what)).toEqual(lost);
      expect(blocks).toEqual([{ kind: "text", text }]);
    });

    test("streamed", () => {
      const decoder = callTo(outbound[dialect], {}, {}, true).decodeStream();
      const sent = frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join("");
      const events = decodePieces(decoder, [bytesOf(dialect === "openai-chat" ? `${sent}data: [DONE]\n\n` : sent)]);
      expect((decoder.losses ?? []).map(({ what }) => what)).toEqual(lost);
      expect(events.flatMap((event) => (event.kind === "delta" ? [event.text] : [])).join("")).toBe(text);
      expect(events.at(-1)?.kind).toBe("stop");
    });
  });
}

test("citations of a Messages stream, which come behind their text's beginning", () => {
  const decoder = callTo(outbound.anthropic, {}, {}, true).decodeStream();
  const events = [
    { type: "message_start", message: {} },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "citations_delta", citation: {} } },
  ];
  decodePieces(decoder, [bytesOf(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""))]);
  expect(decoder.losses?.map(({ what }) => what)).toEqual(["citations"]);
});

test("thinking alone is no answer, a call is one", () => {
  const words = (message: object) => {
    const whole = completion({ content: null, images: [picture], ...message } as Json);
    return callTo(outbound["openai-chat"])
      .decodeResponse(whole)
      .blocks.map((block) => (block.kind === "text" || block.kind === "thinking" ? block.text : block.kind));
  };
  expect(words({ reasoning: "hm" })).toEqual(["hm", IMAGE]);
  expect(words({ tool_calls: [{ id: "a", function: { name: "f", arguments: "{}" } }] })).toEqual(["tool_call"]);
});

test("a provider's own words are taken over only where they are one, and not without end", () => {
  const losses: Loss[] = [];
  loseOfAnswer(losses, "a", "x\r\ninjected: 1");
  loseOfAnswer(losses, "a", "x".repeat(65));
  for (let at = 0; at < 100; at++) loseOfAnswer(losses, "a", `kind${at}`);
  expect(losses.length).toBe(32);
  expect(losses.slice(0, 2).map(({ what }) => what)).toEqual(["unknown content", "kind0"]);
});
