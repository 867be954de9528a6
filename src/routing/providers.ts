// The one table of providers: where they are, what they speak, how they take the key. Adding a provider is adding a row.
// Facts: each provider's public API reference, as of November 2026.

import type { Dialect } from "#src/core/dialects.ts";
import type { Quirks } from "#src/core/quirks.ts";

/** How the key travels to the provider. */
export type KeyHeader = "bearer" | "x-api-key" | "x-goog-api-key";

/** Where and how a provider speaks one dialect. */
export type Endpoint = {
  /** Without a trailing slash; the dialect's own path is appended (`/chat/completions`, `/messages`, …). */
  baseUrl: string;
  keyHeader: KeyHeader;
  quirks?: Partial<Quirks>;
};

/** `models`: what some of a provider's models take beyond or short of the rest, the first match counts. */
export type Provider = {
  id: string;
  name: string;
  keyEnv: string;
  /** The dialect spoken unless the operator says another; the first one with least to lose. */
  dialect: Dialect;
  endpoints: { [dialect in Dialect]?: Endpoint };
  /** Where it lists its models, where that is not below its base URL. */
  list?: string;
  models?: { match: RegExp; quirks: Partial<Quirks> }[];
};

type Models = NonNullable<Provider["models"]>;

// OpenAI's reasoning models: their own name for the limit, no sampling, system prompts as the developer's, each its words for an effort.
const reasoner: Partial<Quirks> = {
  maxTokensField: "max_completion_tokens",
  reasoningEffort: true,
  objectSchemas: true,
  systemRole: "developer",
  unsupported: ["temperature", "top_p", "presence_penalty", "frequency_penalty", "stop"],
};
const openaiReasoning: Models = [
  { match: /^(openai\/)?gpt-5(\.\d)?-chat/, quirks: { ...reasoner, efforts: ["medium"] } },
  { match: /^(openai\/)?gpt-5-pro/, quirks: { ...reasoner, efforts: ["high"] } },
  { match: /^(openai\/)?gpt-5\.\d-pro/, quirks: { ...reasoner, efforts: ["medium", "high", "xhigh"] } },
  {
    match: /^(openai\/)?gpt-5\.(1-codex-max|[2-9]-codex)/,
    quirks: { ...reasoner, efforts: ["low", "medium", "high", "xhigh"] },
  },
  {
    match: /^(openai\/)?(o\d|codex-mini|gpt-5(\.1)?-codex)/,
    quirks: { ...reasoner, efforts: ["low", "medium", "high"] },
  },
  { match: /^(openai\/)?gpt-5(?!\.)/, quirks: { ...reasoner, efforts: ["minimal", "low", "medium", "high"] } },
  { match: /^(openai\/)?gpt-5\.1/, quirks: { ...reasoner, efforts: ["none", "low", "medium", "high"] } },
  { match: /^(openai\/)?gpt-5\.[2-5]/, quirks: { ...reasoner, efforts: ["none", "low", "medium", "high", "xhigh"] } },
  {
    match: /^(openai\/)?gpt-[5-9]/,
    quirks: { ...reasoner, efforts: ["none", "low", "medium", "high", "xhigh", "max"] },
  },
  { match: /^(openai\/)?(gpt-[34]|chatgpt)/, quirks: { objectSchemas: true } },
];

// Claude since Opus 4.7: an effort instead of a budget, no sampling. Each migration guide of Anthropic's says what else its model refuses.
const adaptive: Partial<Quirks> = {
  reasoningEffort: true,
  efforts: ["low", "medium", "high", "xhigh", "max"],
  thinkingBudget: false,
  defaultMaxTokens: 64_000,
  unsupported: ["temperature", "top_p", "top_k"],
};
const claude: Models = [
  { match: /^claude-3-(opus|sonnet|haiku)/, quirks: { defaultMaxTokens: 4_096 } },
  { match: /^claude-3-5/, quirks: { defaultMaxTokens: 8_192 } },
  { match: /^claude-(opus|sonnet|haiku)-4-5/, quirks: { defaultMaxTokens: 64_000 } },
  {
    match: /^claude-(opus|sonnet)-4-6/,
    quirks: { reasoningEffort: true, efforts: ["low", "medium", "high", "max"], defaultMaxTokens: 64_000 },
  },
  {
    match: /^claude-(opus|fable|mythos)-(5-[1-9](?!\d)|[6-9])/,
    quirks: { ...adaptive, thinkingOff: "never", forcedTool: false },
  },
  {
    match: /^claude-sonnet-(5-[1-9](?!\d)|[6-9])/,
    quirks: { ...adaptive, thinkingOff: "between_tools", forcedTool: false },
  },
  { match: /^claude-(fable|mythos)/, quirks: { ...adaptive, thinkingOff: "never" } },
  { match: /^claude-(opus-4-[7-9]|(opus|sonnet|haiku)-[5-9])/, quirks: adaptive },
];

const table: Provider[] = [
  {
    id: "anthropic",
    name: "Anthropic",
    keyEnv: "ANTHROPIC_API_KEY",
    dialect: "anthropic",
    endpoints: {
      anthropic: {
        baseUrl: "https://api.anthropic.com/v1",
        keyHeader: "x-api-key",
        quirks: { hosted: ["web_search"], maxToolNameLength: 128 },
      },
      "openai-chat": { baseUrl: "https://api.anthropic.com/v1", keyHeader: "bearer" },
    },
    models: claude,
  },
  {
    id: "openai",
    name: "OpenAI",
    keyEnv: "OPENAI_API_KEY",
    dialect: "openai-responses",
    endpoints: {
      "openai-responses": {
        baseUrl: "https://api.openai.com/v1",
        keyHeader: "bearer",
        quirks: { hosted: ["web_search"], customTools: true, cacheKey: true, verbosity: true },
      },
      "openai-chat": {
        baseUrl: "https://api.openai.com/v1",
        keyHeader: "bearer",
        quirks: { customTools: true, cacheKey: true, verbosity: true, objectSchemas: true },
      },
    },
    models: openaiReasoning,
  },
  {
    id: "openrouter",
    name: "OpenRouter",
    keyEnv: "OPENROUTER_API_KEY",
    dialect: "openai-chat",
    endpoints: {
      "openai-chat": {
        baseUrl: "https://openrouter.ai/api/v1",
        keyHeader: "bearer",
        quirks: { reasoningEffort: true, cacheKey: true },
      },
      anthropic: { baseUrl: "https://openrouter.ai/api/v1", keyHeader: "bearer" },
      "openai-responses": { baseUrl: "https://openrouter.ai/api/v1", keyHeader: "bearer" },
    },
  },
  {
    id: "groq",
    name: "Groq",
    keyEnv: "GROQ_API_KEY",
    dialect: "openai-chat",
    endpoints: {
      "openai-chat": {
        baseUrl: "https://api.groq.com/openai/v1",
        keyHeader: "bearer",
        quirks: {
          maxTokensField: "max_completion_tokens",
          unsupported: ["frequency_penalty", "presence_penalty", "logit_bias"],
        },
      },
      "openai-responses": { baseUrl: "https://api.groq.com/openai/v1", keyHeader: "bearer" },
    },
    models: [{ match: /gpt-oss/, quirks: { reasoningEffort: true } }],
  },
  {
    id: "cerebras",
    name: "Cerebras",
    keyEnv: "CEREBRAS_API_KEY",
    dialect: "openai-chat",
    endpoints: {
      "openai-chat": {
        baseUrl: "https://api.cerebras.ai/v1",
        keyHeader: "bearer",
        quirks: {
          maxTokensField: "max_completion_tokens",
          unsupported: ["frequency_penalty", "presence_penalty", "logit_bias"],
        },
      },
    },
    models: [{ match: /gpt-oss/, quirks: { reasoningEffort: true } }],
  },
  {
    id: "github",
    name: "GitHub Models",
    keyEnv: "GITHUB_TOKEN",
    dialect: "openai-chat",
    endpoints: { "openai-chat": { baseUrl: "https://models.github.ai/inference", keyHeader: "bearer" } },
    list: "https://models.github.ai/catalog/models",
    models: [
      ...openaiReasoning,
      { match: /^mistral-ai\//, quirks: { callIds: "alnum9", streamUsage: false, unsupported: ["user"] } },
    ],
  },
  {
    id: "gemini",
    name: "Gemini",
    keyEnv: "GEMINI_API_KEY",
    dialect: "gemini",
    endpoints: {
      gemini: {
        baseUrl: "https://generativelanguage.googleapis.com/v1beta",
        keyHeader: "x-goog-api-key",
        quirks: { hosted: ["web_search"] },
      },
      "openai-chat": {
        baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
        keyHeader: "bearer",
        quirks: {
          reasoningEffort: true,
          unsupported: ["user", "seed", "parallel_tool_calls", "presence_penalty", "frequency_penalty"],
        },
      },
    },
    models: [
      { match: /^gemini-[3-9]/, quirks: { reasoningEffort: true } },
      // They do not think, and refuse to be asked to.
      { match: /^gemini-(1|2\.0)/, quirks: { unsupported: ["thinkingConfig"] } },
    ],
  },
  {
    id: "huggingface",
    name: "Hugging Face",
    keyEnv: "HF_TOKEN",
    dialect: "openai-chat",
    endpoints: { "openai-chat": { baseUrl: "https://router.huggingface.co/v1", keyHeader: "bearer" } },
    models: [{ match: /mistral/i, quirks: { callIds: "alnum9" } }],
  },
];

export const providers: ReadonlyMap<string, Provider> = new Map(table.map((provider) => [provider.id, provider]));

/** How a backend given only by base URL and dialect takes its key, as that dialect's own server does. */
export const keyHeaderOf: Record<Dialect, KeyHeader> = {
  anthropic: "x-api-key",
  "openai-chat": "bearer",
  "openai-responses": "bearer",
  gemini: "x-goog-api-key",
};

/** Models that others than their makers serve as well, by the dialect they are mostly asked in. */
const served: { [dialect in Dialect]?: Models } = {
  anthropic: claude,
  "openai-chat": [
    ...openaiReasoning,
    // With tools they want back what they thought.
    { match: /deepseek/i, quirks: { reasoningContent: true } },
    { match: /(mi|mini|code|dev|magi)stral/i, quirks: { callIds: "alnum9" } },
  ],
  "openai-responses": openaiReasoning,
  gemini: providers.get("gemini")!.models!,
};

/** A model's own name: behind who serves it where, and of Claude with one spelling of its version's numbers. */
function plainName(model: string): string {
  const name = model.replace(/^(ft:|models\/|azure\/|(us|eu|apac|global)\.)?(anthropic[./])?/, "");
  return name.startsWith("claude") ? name.replace(/(\d)\.(?=\d)/g, "$1-") : name;
}

const quirksIn = (models: Models | undefined, model: string) => {
  const name = plainName(model);
  return models?.find(({ match }) => match.test(name))?.quirks;
};

/** What a model takes beyond or short of its dialect wherever it is served. */
export function modelQuirks(dialect: Dialect, model: string): Partial<Quirks> {
  return quirksIn(served[dialect], model) ?? {};
}

/** What one model at one endpoint takes beyond or short of its dialect. */
export function quirksOf(provider: Provider, dialect: Dialect, model: string): Partial<Quirks> {
  // Who serves others' models by their own dialect passes them on as they are.
  const own = quirksIn(provider.models ?? (dialect === "openai-chat" ? undefined : served[dialect]), model);
  const shared = provider.endpoints[dialect]?.quirks;
  const unsupported = [...(shared?.unsupported ?? []), ...(own?.unsupported ?? [])];
  return { ...shared, ...own, ...(unsupported.length === 0 ? {} : { unsupported }) };
}
