// What a model at an endpoint takes: its own row beside the endpoint's.

import { expect, test } from "bun:test";
import { providers, quirksOf } from "#src/routing/providers.ts";

test("what a model refuses comes on top of what its endpoint refuses", () => {
  const gemini = providers.get("gemini")!;
  expect(quirksOf(gemini, "gemini", "gemini-2.0-flash")).toEqual({
    hosted: ["web_search"],
    unsupported: ["thinkingConfig"],
  });
  expect(quirksOf(gemini, "openai-chat", "gemini-2.0-flash").unsupported).toEqual([
    "user",
    "seed",
    "parallel_tool_calls",
    "presence_penalty",
    "frequency_penalty",
    "thinkingConfig",
  ]);
  expect(quirksOf(gemini, "gemini", "gemini-2.5-flash")).toEqual({ hosted: ["web_search"] });
  expect(quirksOf(gemini, "gemini", "gemini-3-flash-preview")).toEqual({
    hosted: ["web_search"],
    reasoningEffort: true,
  });
});
