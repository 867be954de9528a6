// One question as a client of each dialect asks it, by hand: the path, the body, and how an error reads.

import type { Dialect } from "#src/core/dialects.ts";

export type Question = { path: string; body: object };

/** `hi` to the slot `sonnet`. */
export const question: Record<Dialect, (stream: boolean) => Question> = {
  anthropic: (stream) => ({
    path: "/v1/messages",
    body: { model: "sonnet", max_tokens: 99, stream, messages: [{ role: "user", content: "hi" }] },
  }),
  "openai-chat": (stream) => ({
    path: "/v1/chat/completions",
    body: { model: "sonnet", stream, messages: [{ role: "user", content: "hi" }] },
  }),
  "openai-responses": (stream) => ({ path: "/v1/responses", body: { model: "sonnet", stream, input: "hi" } }),
  gemini: (stream) => ({
    path: `/v1beta/models/sonnet:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
    body: { contents: [{ role: "user", parts: [{ text: "hi" }] }] },
  }),
};
