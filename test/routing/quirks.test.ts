// What a model at an endpoint takes: its own row beside the endpoint's.

import { describe, expect, test } from "bun:test";
import type { Dialect } from "#src/core/dialects.ts";
import { defaultQuirks } from "#src/core/quirks.ts";
import { findBackend } from "#src/routing/backends.ts";
import { addBackend } from "#src/routing/edit.ts";
import { emptyRouting, type StoredBackend } from "#src/routing/generation.ts";
import { providers, quirksOf } from "#src/routing/providers.ts";
import { parseQuirks } from "#src/routing/quirk-words.ts";

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

test("a model that others serve is what its name says, and the operator knows better than every table", () => {
  const quirksAt = (dialect: Dialect, model: string, quirks?: StoredBackend["quirks"]) => {
    const stored = { label: "own", provider: null, baseUrl: "http://127.0.0.1:1", dialect, model, keyEnv: null };
    const backend = { ...stored, price: null, ...(quirks === undefined ? {} : { quirks }) };
    return findBackend(addBackend(emptyRouting, backend), "own")!.quirks;
  };
  expect(quirksAt("openai-chat", "gpt-5.5")).toMatchObject({ maxTokensField: "max_completion_tokens" });
  expect(quirksAt("openai-chat", "deepseek-chat")).toEqual({ reasoningContent: true });
  expect(quirksAt("openai-chat", "codestral-latest")).toEqual({ callIds: "alnum9" });
  expect(quirksAt("gemini", "gemini-3.1-pro-preview")).toEqual({ reasoningEffort: true });
  expect(quirksAt("openai-chat", "llama3.2")).toEqual({});
  expect(quirksAt("openai-chat", "gpt-5.5", { maxTokensField: "max_tokens", cacheKey: true })).toMatchObject({
    ...{ maxTokensField: "max_tokens", cacheKey: true, reasoningEffort: true },
  });
});

describe("quirks in words", () => {
  test("every one there is can be said", () => {
    const words = [
      ...["maxTokensField=max_completion_tokens", "defaultMaxTokens=100", "reasoningEffort=true"],
      ...["reasoningContent=true", "parallelToolCalls=false", "streamUsage=false", "systemRole=developer"],
      ...["maxToolNameLength=128", "callIds=alnum9", "schemaKeywords=format+$schema", "hosted=web_search"],
      ...["cacheKey=true", "verbosity=true", "customTools=true", "unsupported=temperature+stop"],
    ];
    const read = parseQuirks(words)!;
    expect(Object.keys(read).sort()).toEqual(Object.keys(defaultQuirks).sort());
    expect(read).toMatchObject({ schemaKeywords: ["format", "$schema"], callIds: "alnum9", parallelToolCalls: false });
    expect(parseQuirks([])).toBeUndefined();
  });

  test.each([
    [["reasoningEfort=true"], "unknown quirk"],
    [["__proto__=true"], "unknown quirk"],
    [["reasoningEffort"], "the quirk reasoningEffort has another value"],
    [["reasoningEffort=yes"], "the quirk reasoningEffort has another value"],
    [["callIds=9"], "the quirk callIds has another value"],
    [["unsupported=a b"], "the quirk unsupported has another value"],
    [["cacheKey=true", "cacheKey=false"], "the quirk cacheKey is given twice"],
  ])("%j is refused", (words, why) => {
    expect(() => parseQuirks(words)).toThrow(why);
  });
});
