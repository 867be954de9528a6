// Routing by command: slots of one's own, fallbacks, policies, the operator's word about keys and backends, and the views of all that.

import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, makeBench } from "#test/support/broke.ts";
import { slots } from "#src/routing/slots.ts";

const json = async <T>(bench: Bench, ...words: string[]): Promise<T> => {
  const ran = await bench.broke([...words, "--json"]);
  if (ran.stderr !== "") throw new Error(ran.stderr);
  return JSON.parse(ran.stdout) as T;
};
const refusal = async (bench: Bench, ...words: string[]) => {
  const { code, stdout, stderr } = await bench.broke(words);
  return [code, stdout, stderr.trimEnd().split("\n")];
};
type Route = {
  attempts: { backend: string; key: string | null; pinned: boolean | null }[];
  skipped: { why: string }[];
};
const keysOf = async (bench: Bench, slot: string) =>
  (await json<Route>(bench, "route", slot)).attempts.map(({ backend, key }) => `${backend} ${key}`);
const setKeys = (bench: Bench, ...names: string[]) => {
  mkdirSync(bench.home, { recursive: true, mode: 0o700 });
  const lines = names.map((name) => `${name}=a-value-of-${name.length}\n`);
  writeFileSync(join(bench.home, ".env"), lines.join(""), { mode: 0o600 });
};

test("a slot of one's own: added, asked for by its names in any case, refused where a name is taken, removed with what was set", async () => {
  using bench = makeBench();
  expect((await bench.broke(["slot", "add", "review", "--alias", "My-Reviewer", "--title", "Reviews"])).code).toBe(0);
  await bench.broke([
    "backend",
    "add",
    "mine",
    "--base-url",
    "http://127.0.0.1:1",
    "--dialect",
    "anthropic",
    "--model",
    "m",
  ]);
  await bench.broke(["swap", "review=mine"]);
  expect(await keysOf(bench, "MY-REVIEWER")).toEqual(["mine null"]);
  expect(await refusal(bench, "slot", "add", "other", "--alias", "claude-sonnet-9")).toEqual([
    ...[2, "", ["broke: claude-sonnet-9 means sonnet already", "broke: choose another name"]],
  ]);
  expect((await refusal(bench, "slot", "add", "reviewer2", "--alias", "my-reviewer"))[2]).toContain(
    "broke: my-reviewer means review already",
  );
  expect((await refusal(bench, "slot", "remove", "revew"))[2]).toEqual([
    "broke: no such slot of yours",
    "broke: did you mean review?",
  ]);
  expect((await bench.broke(["slot", "remove", "review"])).code).toBe(0);
  expect((await json<{ slot: string }[]>(bench, "list")).map(({ slot }) => slot)).toEqual(slots.map(({ id }) => id));
  expect((await refusal(bench, "route", "my-reviewer"))[0]).toBe(1);
});

describe("fallbacks", () => {
  test("stored in order, shown with their scope, printed by route; the first scope that has one is used", async () => {
    using bench = makeBench();
    await bench.broke(["swap", "opus=OR/Nemotron-3-Super"]);
    await bench.broke(["fallback", "opus", "Groq/Compound", "--scope", "backend"]);
    setKeys(bench, "OPENROUTER_API_KEY", "CEREBRAS_API_KEY", "GROQ_API_KEY");
    expect(await keysOf(bench, "opus")).toEqual([
      "OR/Nemotron-3-Super OPENROUTER_API_KEY",
      "Groq/Compound GROQ_API_KEY",
    ]);
    await bench.broke(["fallback", "opus", "Cerebras/GPT-OSS-120B", "OR/GLM-4.5"]);
    expect((await bench.broke(["fallback", "opus"])).stdout).toBe(
      "opus  OR/Nemotron-3-Super → Cerebras/GPT-OSS-120B → OR/GLM-4.5 [direct]  floating: Cerebras/GPT-OSS-120B\n",
    );
    expect((await keysOf(bench, "opus")).map((line) => line.split(" ")[0])).toEqual([
      ...["OR/Nemotron-3-Super", "Cerebras/GPT-OSS-120B", "OR/GLM-4.5"],
    ]);
    expect((await bench.broke(["fallback", "opus", "Groq/Compound", "--scope", "lane"])).stderr).toBe(
      "broke: the chain of scope lane is kept, and not used: the direct one comes first\n",
    );
    await bench.broke(["fallback", "opus", "--clear"]);
    expect((await bench.broke(["fallback", "policy"])).stdout).toBe(
      "opus  OR/Nemotron-3-Super → Groq/Compound [lane]  floating: Groq/Compound\n",
    );
    expect(await refusal(bench, "fallback", "opus", "Cerebras/GPT-OSS-20B")).toEqual([
      ...[2, "", ["broke: unknown backend", "broke: did you mean Cerebras/GPT-OSS-120B?"]],
    ]);
    expect((await refusal(bench, "fallback", "opuss", "OR/GLM-4.5"))[2]).toEqual([
      "broke: unknown slot",
      "broke: did you mean opus?",
    ]);
    expect((await refusal(bench, "fallback", "policy", "--team", "none"))[0]).toBe(3);
  });

  test("a slot's own backend cannot follow itself, and a backend that follows somebody cannot be removed", async () => {
    using bench = makeBench();
    await bench.broke([
      "backend",
      "add",
      "mine",
      "--base-url",
      "http://127.0.0.1:1",
      "--dialect",
      "anthropic",
      "--model",
      "m",
    ]);
    await bench.broke(["swap", "opus=OR/GLM-4.5"]);
    expect((await refusal(bench, "fallback", "opus", "OR/GLM-4.5"))[0]).toBe(2);
    await bench.broke(["fallback", "opus", "mine"]);
    expect((await refusal(bench, "backend", "remove", "mine"))[2]).toContain(
      "broke: mine answers for the fallbacks of opus",
    );
  });
});

describe("policies", () => {
  test("of keys: stored with a generation of their own, the mapping untouched; wrong words change nothing", async () => {
    using bench = makeBench();
    setKeys(bench, "OPENROUTER_API_KEY", "OPENROUTER_API_KEY_2");
    await bench.broke(["swap", "sonnet=OR/GLM-4.5"]);
    const before = await json<{ slots: object }>(bench, "swap", "sonnet=OR/GLM-4.5");
    const words = [
      "--mode",
      "round_robin",
      "--cooldown",
      "60",
      "--retries",
      "2",
      "--order",
      "OPENROUTER_API_KEY_2,OPENROUTER_API_KEY",
    ];
    const policy = {
      mode: "round_robin",
      order: ["OPENROUTER_API_KEY_2", "OPENROUTER_API_KEY"],
      weights: {},
      cooldownMs: 60_000,
      retries: 2,
    };
    expect(await json<object>(bench, "key-policy", "openrouter", ...words)).toEqual({
      generation: 3,
      policies: { openrouter: policy },
    });
    expect(await keysOf(bench, "sonnet")).toEqual(["OR/GLM-4.5 OPENROUTER_API_KEY_2", "OR/GLM-4.5 OPENROUTER_API_KEY"]);
    for (const wrong of [
      ["key-policy", "openruter", "--mode", "sticky"],
      ["key-policy", "openrouter", "--mode", "round_robbin"],
      ["key-policy", "openrouter", "--retries", "0"],
      ["key-policy", "openrouter", "--cooldown", "soon"],
      ["key-policy", "openrouter", "--order", "GROQ_API_KEY"],
      ["key-policy", "--mode", "sticky"],
      ["model-policy", "sonnet", "--order", "nothing-of-the-kind"],
    ])
      expect({ wrong, code: (await bench.broke(wrong)).code }).toEqual({ wrong, code: 2 });
    expect(await json<object>(bench, "key-policy")).toEqual({ generation: 3, policies: { openrouter: policy } });
    expect((await json<{ slots: object }>(bench, "swap", "sonnet=OR/GLM-4.5")).slots).toEqual(before.slots);
  });

  test("of models: the slot's own backend first unless it is named; retries are all that is tried", async () => {
    using bench = makeBench();
    setKeys(bench, "OPENROUTER_API_KEY", "GROQ_API_KEY");
    await bench.broke(["swap", "sonnet=OR/GLM-4.5"]);
    await bench.broke([
      "model-policy",
      "sonnet",
      "--mode",
      "round_robin",
      "--order",
      "Groq/Compound,OR/Step-3.5",
      "--retries",
      "2",
    ]);
    expect(await keysOf(bench, "sonnet")).toEqual(["OR/GLM-4.5 OPENROUTER_API_KEY", "Groq/Compound GROQ_API_KEY"]);
    await bench.broke(["model-policy", "sonnet", "--mode", "manual_pin", "--order", "Groq/Compound"]);
    expect(await keysOf(bench, "sonnet")).toEqual(["Groq/Compound GROQ_API_KEY"]);
    await bench.broke(["key-state", "set", "GROQ_API_KEY", "blocked"]);
    expect((await refusal(bench, "route", "sonnet"))[0]).toBe(1);
  });
});

describe("the operator's own word", () => {
  test("a blocked key is no last resort; a cooldown is as long as the policy's", async () => {
    using bench = makeBench();
    setKeys(bench, "GROQ_API_KEY", "GROQ_API_KEY_2");
    await bench.broke(["swap", "sonnet=Groq/Compound"]);
    await bench.broke(["key-policy", "groq", "--cooldown", "45"]);
    await bench.broke(["model-policy", "sonnet", "--cooldown", "75"]);
    const at = Date.now();
    const near = (ms: number) => Math.round((ms - at) / 10_000) * 10_000;
    const { untilMs: key } = await json<{ untilMs: number }>(bench, "key-state", "set", "GROQ_API_KEY", "cooldown");
    const { untilMs: model } = await json<{ untilMs: number }>(
      bench,
      "model-state",
      "set",
      "Groq/Compound",
      "cooldown",
    );
    expect([near(key - 5000), near(model - 5000)]).toEqual([40_000, 70_000]);
    await bench.broke(["model-state", "set", "Groq/Compound", "healthy"]);
    expect(await keysOf(bench, "sonnet")).toEqual(["Groq/Compound GROQ_API_KEY_2"]);
    await bench.broke(["key-state", "set", "GROQ_API_KEY_2", "blocked"]);
    const states = await json<{ subject: string; state: string; reason: string }[]>(bench, "key-state");
    expect(states.map(({ subject, state, reason }) => [subject, state, reason])).toEqual([
      ["key GROQ_API_KEY", "cooldown", "manual_set"],
      ["key GROQ_API_KEY_2", "blocked", "manual_set"],
    ]);
    expect((await bench.broke(["route", "sonnet"])).code).toBe(1);
    expect((await refusal(bench, "key-state", "set", "GROQ_API_KEYS", "blocked"))[2]).toEqual([
      "broke: unknown key",
      "broke: did you mean GROQ_API_KEY?",
    ]);
    const log = await json<{ subject: string; was: string; state: string; reason: string }[]>(
      bench,
      "key-state",
      "--log",
    );
    expect(log.map(({ subject, was, state, reason }) => `${subject} ${was} ${state} ${reason}`)).toEqual([
      ...["key GROQ_API_KEY_2 healthy blocked manual_set", "backend Groq/Compound cooldown healthy manual_set"],
      ...["backend Groq/Compound healthy cooldown manual_set", "key GROQ_API_KEY healthy cooldown manual_set"],
    ]);
  });
});

test("validate has its five sections, and says no when one fails; a floating alias is said in every view", async () => {
  using bench = makeBench();
  await bench.broke(["swap", "sonnet=GitHub/GPT-4o-mini"]);
  type Valid = { valid: boolean; sections: { section: string; lines: { status: string; about: string }[] }[] };
  const lacking = await bench.broke(["validate", "--json"]);
  expect([lacking.code, (JSON.parse(lacking.stdout) as Valid).sections.map(({ section }) => section)]).toEqual([
    1,
    ["slot fields", "provider format", "api keys", "fallback chains", "alias stability"],
  ]);
  setKeys(bench, "GITHUB_TOKEN");
  const { valid, sections } = await json<Valid>(bench, "validate");
  expect([valid, sections[4]!.lines.map(({ status, about }) => [status, about])]).toEqual([
    true,
    [["warn", "GitHub/GPT-4o-mini"]],
  ]);
  expect((await json<Route>(bench, "route", "sonnet")).attempts[0]!.pinned).toBe(false);
  for (const words of [["route", "sonnet"], ["explain", "sonnet"], ["models"], ["validate"]])
    expect((await bench.broke(words)).stdout).toContain("floating");
  writeFileSync(join(bench.home, ".env"), "GITHUB_TOKEN=ghp_XXXXXXXXXXXX\n", { mode: 0o600 });
  expect((await bench.broke(["validate"])).code).toBe(1);
});

test("a floating alias, and no other, is marked in list and in every chain", async () => {
  using bench = makeBench();
  await bench.broke(["swap", "sonnet=GitHub/GPT-4o-mini", "opus=OR/GLM-4.5"]);
  await bench.broke(["fallback", "opus", "Groq/Kimi-K2", "Groq/Compound"]);
  type Floats = { slot: string; floating: string[] };
  const of = (views: Floats[]) =>
    views.flatMap(({ slot, floating }) => (floating.length > 0 ? [[slot, ...floating]] : []));
  const expected = [
    ["sonnet", "GitHub/GPT-4o-mini"],
    ["opus", "Groq/Compound"],
  ];
  expect(of(await json<Floats[]>(bench, "list"))).toEqual(expected);
  expect(of((await json<{ chains: Floats[] }>(bench, "fallback", "policy")).chains)).toEqual(expected);
  expect((await bench.broke(["list"])).stdout).toMatch(/^opus .* Groq\/Compound$/m);
  expect((await bench.broke(["fallback", "policy"])).stdout).toContain("[direct]  floating: Groq/Compound\n");
});

test("the mapping has every slot of Claude and Codex, each by its own name", async () => {
  using bench = makeBench();
  const ids = (await json<{ slot: string }[]>(bench, "list")).map(({ slot }) => slot);
  expect(ids.slice(0, 12)).toEqual([
    ...["sonnet", "opus", "haiku", "custom", "subagent"],
    ...["gpt54", "gpt54mini", "gpt53codex", "gpt52codex", "gpt52", "gpt51codexmax", "gpt51codexmini"],
  ]);
  await bench.broke(["swap", "all=OR/GLM-4.5"]);
  const set = await json<{ backends: string[] }[]>(bench, "list");
  expect(set.every(({ backends }) => backends.join() === "OR/GLM-4.5")).toBe(true);
});

test("models: the provider's name and the bare model stand apart", async () => {
  using bench = makeBench();
  type Model = { label: string; provider: string; provider_name: string; model: string };
  const models = await json<Model[]>(bench, "models");
  const known = models.find(({ label }) => label === "OR/Qwen-3.6+")!;
  expect([known.provider, known.provider_name, known.model]).toEqual([
    ...["openrouter", "OpenRouter", "qwen/qwen3.6-plus:free"],
  ]);
  const doubled = models.filter(({ provider, model }) => model.startsWith(`${provider}/`) && provider !== "groq");
  expect(doubled).toEqual([]);
  expect((await bench.broke(["models"])).stdout).toMatch(/^OR\/GLM-4.5 +OpenRouter +z-ai\/glm-4.5-air:free +pinned /m);
});

test("fallback policy: bare --team shows all teams, a name one of them", async () => {
  using bench = makeBench();
  for (const team of ["work", "home"]) {
    await bench.broke(["swap", `sonnet=${team === "work" ? "OR/GLM-4.5" : "Groq/Kimi-K2"}`]);
    await bench.broke(["team", "save", team]);
    await bench.broke(["fallback", "sonnet", "OR/Step-3.5", "--team", team]);
  }
  expect((await bench.broke(["fallback", "policy", "--team"])).stdout).toBe(
    "work  sonnet  OR/GLM-4.5 → OR/Step-3.5 [direct]\nhome  sonnet  Groq/Kimi-K2 → OR/Step-3.5 [direct]\n",
  );
  expect((await bench.broke(["fallback", "policy", "--team", "work"])).stdout).toBe(
    "work  sonnet  OR/GLM-4.5 → OR/Step-3.5 [direct]\n",
  );
  expect((await bench.broke(["fallback", "policy"])).stdout).toBe("sonnet  Groq/Kimi-K2 —\n");
});

test("Claude Code's names of models are slots, so that what is mapped later answers by them too", async () => {
  using bench = makeBench();
  const bin = join(bench.workspace, "..", "node_modules", "claude");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "package.json"), "{}");
  writeFileSync(join(bin, "claude"), "#!/bin/sh\nenv | grep -E '_MODEL(_OPTION)?=' | sort\n", { mode: 0o755 });
  setKeys(bench, "OPENROUTER_API_KEY");
  const env = { PATH: `${bin}:${bench.env["PATH"]}` };
  const launch = async () => (await bench.broke(["claude"], { env })).stdout.trimEnd().split("\n");
  const always = [
    "ANTHROPIC_DEFAULT_FABLE_MODEL=opus",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL=haiku",
    "ANTHROPIC_DEFAULT_OPUS_MODEL=opus",
    "ANTHROPIC_DEFAULT_SONNET_MODEL=sonnet",
    "ANTHROPIC_MODEL=sonnet",
    "ANTHROPIC_SMALL_FAST_MODEL=haiku",
  ];
  await bench.broke(["swap", "sonnet=OR/GLM-4.5"]);
  expect(await launch()).toEqual(always);
  await bench.broke(["swap", "all=OR/Step-3.5", "--client", "claude"]);
  expect(await launch()).toEqual([
    "ANTHROPIC_CUSTOM_MODEL_OPTION=custom",
    ...always,
    "CLAUDE_CODE_SUBAGENT_MODEL=subagent",
  ]);
  for (const name of ["sonnet", "opus", "haiku", "custom", "subagent"])
    expect(await keysOf(bench, name)).toEqual(["OR/Step-3.5 OPENROUTER_API_KEY"]);
});

test("swap: all of one client, several at once, all or nothing", async () => {
  using bench = makeBench();
  const { slots: set } = await json<{ slots: Record<string, string> }>(
    bench,
    "swap",
    "all=OR/GLM-4.5",
    "--client",
    "gemini",
  );
  expect(set).toEqual({ geminipro: "OR/GLM-4.5", geminilite: "OR/GLM-4.5", geminiflash: "OR/GLM-4.5" });
  expect((await bench.broke(["swap", "many", "sonnet=OR/GLM-4.5", "opus=OR/Step-3.5"])).code).toBe(0);
  expect((await bench.broke(["swap-many", "haiku=OR/GLM-4.5", "gpt54=OR/Step-35"])).code).toBe(2);
  const views = await json<{ slot: string; backends: string[] }[]>(bench, "list");
  expect(
    views.filter(({ slot }) => ["sonnet", "opus", "haiku"].includes(slot)).map(({ backends }) => backends),
  ).toEqual([...[["OR/GLM-4.5"], ["OR/Step-3.5"], []]]);
});
