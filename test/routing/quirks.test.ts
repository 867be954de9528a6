// What a model at an endpoint takes: its own row beside the endpoint's.

import { describe, expect, test } from "bun:test";
import type { Dialect } from "#src/core/dialects.ts";
import { defaultQuirks } from "#src/core/quirks.ts";
import { findBackend } from "#src/routing/backends.ts";
import { addBackend } from "#src/routing/edit.ts";
import { emptyRouting, type StoredBackend } from "#src/routing/generation.ts";
import { modelQuirks, providers, quirksOf } from "#src/routing/providers.ts";
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

describe("a model says by its name how it is told to think", () => {
  const sampling = ["temperature", "top_p", "top_k"];
  const claude = { efforts: ["low", "medium", "high", "xhigh", "max"], thinkingBudget: false, unsupported: sampling };
  const always = { ...claude, thinkingOff: "never", forcedTool: false };
  const rows: [string, object][] = [
    ["claude-sonnet-4-5-20250929", {}],
    ["claude-opus-4-20250514", {}],
    ["claude-opus-4-6", { efforts: ["low", "medium", "high", "max"] }],
    ["claude-opus-4-7", claude],
    ["claude-opus-4-8", claude],
    ["claude-opus-5", claude],
    ["claude-sonnet-5", claude],
    ["claude-haiku-5-5", claude],
    ["claude-fable-5", { ...claude, thinkingOff: "never" }],
    ["claude-mythos-preview", { ...claude, thinkingOff: "never" }],
    ["claude-fable-5-1", always],
    ["claude-mythos-5-2", always],
    ["claude-opus-5-5", always],
    ["claude-sonnet-5-5", { ...claude, thinkingOff: "between_tools", forcedTool: false }],
  ];
  for (const [model, expected] of rows) {
    test(model, () => {
      const all = quirksOf(providers.get("anthropic")!, "anthropic", model);
      const { hosted, maxToolNameLength, reasoningEffort, defaultMaxTokens, ...quirks } = all;
      expect<object>(quirks).toEqual(expected);
      expect(reasoningEffort ?? false).toBe("efforts" in expected);
    });
  }

  const words: [string, string][] = [
    ["o3", "low medium high"],
    ["gpt-5", "minimal low medium high"],
    ["gpt-5-mini-2025-08-07", "minimal low medium high"],
    ["gpt-5-pro", "high"],
    ["gpt-5-codex", "low medium high"],
    ["gpt-5.1", "none low medium high"],
    ["gpt-5.1-codex-max", "low medium high xhigh"],
    ["gpt-5.1-codex-mini", "low medium high"],
    ["gpt-5.1-chat-latest", "medium"],
    ["gpt-5.3-codex", "low medium high xhigh"],
    ["gpt-5.4-pro", "medium high xhigh"],
    ["openai/gpt-5.4", "none low medium high xhigh"],
    ["gpt-5.6-sol", "none low medium high xhigh max"],
  ];
  for (const [model, efforts] of words) {
    test(model, () => {
      const quirks = quirksOf(providers.get("openai")!, "openai-responses", model);
      expect(quirks).toMatchObject({ reasoningEffort: true, efforts: efforts.split(" ") });
    });
  }
});

describe("quirks in words", () => {
  test("every one there is can be said", () => {
    const words = [
      ...["maxTokensField=max_completion_tokens", "defaultMaxTokens=100", "reasoningEffort=true"],
      ...["reasoningContent=true", "parallelToolCalls=false", "streamUsage=false", "systemRole=developer"],
      ...["maxToolNameLength=128", "callIds=alnum9", "schemaKeywords=format+$schema", "hosted=web_search"],
      ...["efforts=none+low", "thinkingBudget=false", "thinkingOff=never", "forcedTool=false", "objectSchemas=true"],
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

test("a model is known by its own name, whoever serves it and however its version is spelled", () => {
  const known = modelQuirks("anthropic", "claude-opus-4-7");
  expect(known.thinkingBudget).toBe(false);
  for (const name of [
    ...["anthropic/claude-opus-4.7", "claude-opus-4.7", "anthropic/claude-opus-4-7", "anthropic/claude-opus-4.7:free"],
    ...["us.anthropic.claude-opus-4-7-v1:0", "anthropic.claude-opus-4-7-20260101-v1:0", "claude-opus-4-7@20260101"],
  ])
    expect({ name, quirks: modelQuirks("anthropic", name) }).toEqual({ name, quirks: known });
  for (const name of ["azure/gpt-5", "ft:gpt-5-mini:org::1", "models/gpt-5", "codex-mini-latest", "gpt-4o"])
    expect({ name, takes: modelQuirks("openai-chat", name).objectSchemas }).toEqual({ name, takes: true });
  expect(modelQuirks("openai-chat", "llama3.1")).toEqual({});
  expect(quirksOf(providers.get("openrouter")!, "anthropic", "anthropic/claude-opus-4.7")).toEqual(known);
});
