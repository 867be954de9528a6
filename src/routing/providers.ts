// The one table of providers: where they are, what they speak, how they take the key. Adding a provider is adding a row.
// Facts: each provider's public API reference, as of November 2026.

import type { Dialect } from "#src/core/dialects.ts";

/** How the key travels to the provider. */
export type KeyHeader = "bearer" | "x-api-key" | "x-goog-api-key";

export type Provider = {
  id: string;
  name: string;
  dialect: Dialect;
  /** Without a trailing slash; the dialect's own path is appended (`/chat/completions`, `/v1/messages`, …). */
  baseUrl: string;
  keyEnv: string;
  keyHeader: KeyHeader;
};

const table: Provider[] = [
  {
    id: "anthropic",
    name: "Anthropic",
    dialect: "anthropic",
    baseUrl: "https://api.anthropic.com/v1",
    keyEnv: "ANTHROPIC_API_KEY",
    keyHeader: "x-api-key",
  },
  {
    id: "openai",
    name: "OpenAI",
    dialect: "openai-chat",
    baseUrl: "https://api.openai.com/v1",
    keyEnv: "OPENAI_API_KEY",
    keyHeader: "bearer",
  },
  {
    id: "openrouter",
    name: "OpenRouter",
    dialect: "openai-chat",
    baseUrl: "https://openrouter.ai/api/v1",
    keyEnv: "OPENROUTER_API_KEY",
    keyHeader: "bearer",
  },
  {
    id: "groq",
    name: "Groq",
    dialect: "openai-chat",
    baseUrl: "https://api.groq.com/openai/v1",
    keyEnv: "GROQ_API_KEY",
    keyHeader: "bearer",
  },
  {
    id: "cerebras",
    name: "Cerebras",
    dialect: "openai-chat",
    baseUrl: "https://api.cerebras.ai/v1",
    keyEnv: "CEREBRAS_API_KEY",
    keyHeader: "bearer",
  },
  {
    id: "github",
    name: "GitHub Models",
    dialect: "openai-chat",
    baseUrl: "https://models.github.ai/inference",
    keyEnv: "GITHUB_TOKEN",
    keyHeader: "bearer",
  },
  {
    id: "gemini",
    name: "Gemini",
    dialect: "openai-chat",
    baseUrl: "https://generativelanguage.googleapis.com/v1beta/openai",
    keyEnv: "GEMINI_API_KEY",
    keyHeader: "bearer",
  },
  {
    id: "huggingface",
    name: "Hugging Face",
    dialect: "openai-chat",
    baseUrl: "https://router.huggingface.co/v1",
    keyEnv: "HF_TOKEN",
    keyHeader: "bearer",
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
