// The wire dialects a provider or a client may speak.

export const dialects = ["anthropic", "openai-chat", "openai-responses", "gemini"] as const;
export type Dialect = (typeof dialects)[number];
