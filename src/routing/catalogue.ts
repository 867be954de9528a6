// The catalogue: known backends as data, so that `broke swap sonnet=Groq/Kimi-K2` works with nothing but a key.
// Labels are what a person types; identity is provider and model.

import type { Price } from "./generation.ts";

/** What is null, nobody could say for certain. */
export type CatalogueEntry = {
  label: string;
  provider: string;
  model: string;
  pinned: boolean;
  contextWindow: number | null;
  modalities: readonly string[] | null;
  price: Price | null;
};

const row = (label: string, provider: string, model: string, pinned = true): CatalogueEntry => ({
  label,
  provider,
  model,
  pinned,
  contextWindow: null,
  modalities: null,
  price: null,
});

export const catalogue: readonly CatalogueEntry[] = [
  row("OR/Qwen-3.6+", "openrouter", "qwen/qwen3.6-plus:free"),
  row("OR/Nemotron-3-Super", "openrouter", "nvidia/nemotron-3-super-120b-a12b:free"),
  row("OR/Nemotron-3-Nano", "openrouter", "nvidia/nemotron-3-nano-30b-a3b:free"),
  row("OR/Step-3.5", "openrouter", "stepfun/step-3.5-flash:free"),
  row("OR/GLM-4.5", "openrouter", "z-ai/glm-4.5-air:free"),
  row("Cerebras/Qwen-3-235B", "cerebras", "qwen-3-235b-a22b-instruct-2507"),
  row("Cerebras/GPT-OSS-120B", "cerebras", "gpt-oss-120b", false),
  row("Cerebras/GLM-4.7", "cerebras", "zai-glm-4.7"),
  row("Groq/Llama-4-Scout", "groq", "meta-llama/llama-4-scout-17b-16e-instruct"),
  row("Groq/Kimi-K2", "groq", "moonshotai/kimi-k2-instruct"),
  row("Groq/Compound", "groq", "groq/compound", false),
  row("GitHub/GPT-4o-mini", "github", "openai/gpt-4o-mini", false),
  row("GitHub/Codestral-2501", "github", "mistral-ai/codestral-2501"),
  row("GitHub/Mistral-Medium", "github", "mistral-ai/mistral-medium-2505"),
  row("Gemini/2.0-Flash", "gemini", "gemini-2.0-flash"),
  row("Gemini/2.5-Flash", "gemini", "gemini-2.5-flash"),
  row("Gemini/3.0-Flash", "gemini", "gemini-3.0-flash"),
  row("HF/Llama-3.1-8B", "huggingface", "meta-llama/Llama-3.1-8B-Instruct"),
  row("HF/Qwen2.5-72B", "huggingface", "Qwen/Qwen2.5-72B-Instruct"),
  row("HF/Mistral-7B", "huggingface", "mistralai/Mistral-7B-Instruct-v0.3"),
];
