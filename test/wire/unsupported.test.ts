// Settings that say what holds anyway, and members that say nothing about what is answered: no loss, wherever they cannot be carried.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { inbound, outbound } from "#src/wire/codecs.ts";
import { makeLossList } from "#src/wire/losses.ts";
import { withoutUnsupported } from "#src/wire/unsupported.ts";
import { callTo } from "./cases.ts";

function lost(from: Dialect, body: object, to: Dialect, unsupported: string[] = []): string[] {
  const { request, losses } = inbound[from].decodeRequest({ model: "m", ...body } as Json, {
    model: "m",
    stream: false,
  });
  return [...losses, ...callTo(outbound[to], request, { unsupported }).losses].map(({ what }) => what);
}

const messages = [{ role: "user", content: "hi" }];
const contents = [{ role: "user", parts: [{ text: "hi" }] }];

describe("a setting's default is not missed", () => {
  const usual = { messages, temperature: 1, top_p: 1, frequency_penalty: 0, presence_penalty: 0 };
  const chosen = { messages, temperature: 0.5, top_p: 0.5, frequency_penalty: 1, presence_penalty: 1 };
  const refused = ["temperature", "top_p"];
  test("by Responses", () => {
    expect(lost("openai-chat", usual, "openai-responses", refused)).toEqual([]);
    expect(lost("openai-chat", chosen, "openai-responses", refused).toSorted()).toEqual([
      "frequency_penalty",
      "presence_penalty",
      "temperature",
      "top_p",
    ]);
  });
  test("by a Gemini that refuses them", () => {
    const names = ["temperature", "presencePenalty", "frequencyPenalty"];
    expect(lost("openai-chat", usual, "gemini", names)).toEqual([]);
    expect(lost("openai-chat", chosen, "gemini", names).toSorted()).toEqual(names.toSorted());
  });
});

test("a body keeps what the backend takes", () => {
  const losses = makeLossList();
  const body = { temperature: 1, stop: ["x"], model: "m" };
  expect(withoutUnsupported(body, { unsupported: ["temperature", "stop", "absent"] }, losses)).toEqual({ model: "m" });
  expect(losses.items.map(({ what }) => what)).toEqual(["stop"]);
});

test("how a request is served is of no consequence to what is answered", () => {
  const served = { messages, max_tokens: 9, service_tier: "auto", cache_control: { type: "ephemeral" } };
  expect(lost("anthropic", served, "openai-chat")).toEqual([]);
  expect(lost("gemini", { contents, serviceTier: "flex" }, "openai-chat")).toEqual([]);
});
