// The catalogue: known backends as data, so that `broke swap sonnet=Groq/Kimi-K2` works with nothing but a key.
// Labels are what a person types; identity is provider and model.
// Facts of November 2026, from the providers' pages and the catalogues that copy them: context in tokens, what a model reads, US dollars for a million
// tokens where one is paid for. Null where they do not say, or not the same; `broke models --refresh` asks the providers themselves.

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

type Facts = Partial<Pick<CatalogueEntry, "contextWindow" | "price">> & { modalities?: string };

const row = (label: string, provider: string, model: string, { modalities, ...facts }: Facts = {}): CatalogueEntry => ({
  ...{ label, provider, model, pinned: true, contextWindow: null, price: null },
  ...facts,
  modalities: modalities?.split(" ") ?? null,
});
const floating = (entry: CatalogueEntry): CatalogueEntry => ({ ...entry, pinned: false });
const usd = (input: number, output: number): Price => ({ input, output, cached: null });
/** What OpenRouter calls `:free`. */
const free = usd(0, 0);

export const catalogue: readonly CatalogueEntry[] = [
  row("OR/Qwen-3.6+", "openrouter", "qwen/qwen3.6-plus:free", { price: free }),
  row("OR/Nemotron-3-Super", "openrouter", "nvidia/nemotron-3-super-120b-a12b:free", {
    price: free,
    modalities: "text",
  }),
  row("OR/Nemotron-3-Nano", "openrouter", "nvidia/nemotron-3-nano-30b-a3b:free", { price: free, modalities: "text" }),
  row("OR/Step-3.5", "openrouter", "stepfun/step-3.5-flash:free", { price: free, modalities: "text" }),
  row("OR/GLM-4.5", "openrouter", "z-ai/glm-4.5-air:free", { contextWindow: 131_072, price: free, modalities: "text" }),
  row("Cerebras/Qwen-3-235B", "cerebras", "qwen-3-235b-a22b-instruct-2507", {
    contextWindow: 131_072,
    modalities: "text",
  }),
  floating(
    row("Cerebras/GPT-OSS-120B", "cerebras", "gpt-oss-120b", {
      contextWindow: 131_072,
      price: usd(0.35, 0.75),
      modalities: "text",
    }),
  ),
  row("Cerebras/GLM-4.7", "cerebras", "zai-glm-4.7", {
    contextWindow: 131_072,
    price: usd(2.25, 2.75),
    modalities: "text",
  }),
  row("Groq/Llama-4-Scout", "groq", "meta-llama/llama-4-scout-17b-16e-instruct", {
    contextWindow: 131_072,
    modalities: "text image",
  }),
  row("Groq/Kimi-K2", "groq", "moonshotai/kimi-k2-instruct", { contextWindow: 131_072, modalities: "text" }),
  floating(row("Groq/Compound", "groq", "groq/compound", { contextWindow: 131_072, modalities: "text" })),
  floating(
    row("GitHub/GPT-4o-mini", "github", "openai/gpt-4o-mini", { contextWindow: 128_000, modalities: "text image" }),
  ),
  row("GitHub/Codestral-2501", "github", "mistral-ai/codestral-2501", { contextWindow: 256_000, modalities: "text" }),
  row("GitHub/Mistral-Medium", "github", "mistral-ai/mistral-medium-2505", {
    contextWindow: 128_000,
    modalities: "text image",
  }),
  row("Gemini/2.0-Flash", "gemini", "gemini-2.0-flash", {
    contextWindow: 1_048_576,
    modalities: "text image audio video",
  }),
  row("Gemini/2.5-Flash", "gemini", "gemini-2.5-flash", {
    contextWindow: 1_048_576,
    modalities: "text image audio video",
  }),
  row("Gemini/3.0-Flash", "gemini", "gemini-3.0-flash"),
  row("HF/Llama-3.1-8B", "huggingface", "meta-llama/Llama-3.1-8B-Instruct", { modalities: "text" }),
  row("HF/Qwen2.5-72B", "huggingface", "Qwen/Qwen2.5-72B-Instruct", { modalities: "text" }),
  row("HF/Mistral-7B", "huggingface", "mistralai/Mistral-7B-Instruct-v0.3", { modalities: "text" }),
];
