// Every path a client asks a model at, with a good request for it, and what an error looks like there.

import { expect } from "bun:test";
import type { Dialect } from "#src/core/dialects.ts";

/** `modelIn`: where the request names its model. */
export type Door = { path: string; dialect: Dialect; modelIn: "body" | "path"; body: object };

const messages = [{ role: "user", content: "hi" }];
const contents = [{ role: "user", parts: [{ text: "hi" }] }];

export const doors: Door[] = [
  { path: "/v1/messages", dialect: "anthropic", modelIn: "body", body: { model: "sonnet", max_tokens: 9, messages } },
  { path: "/v1/messages/count_tokens", dialect: "anthropic", modelIn: "body", body: { model: "sonnet", messages } },
  { path: "/v1/responses", dialect: "openai-responses", modelIn: "body", body: { model: "sonnet", input: "hi" } },
  { path: "/v1/chat/completions", dialect: "openai-chat", modelIn: "body", body: { model: "sonnet", messages } },
  { path: "/v1beta/models/sonnet:generateContent", dialect: "gemini", modelIn: "path", body: { contents } },
  {
    path: "/v1beta/models/sonnet:streamGenerateContent?alt=sse",
    dialect: "gemini",
    modelIn: "path",
    body: { contents },
  },
  { path: "/v1beta/models/sonnet:countTokens", dialect: "gemini", modelIn: "path", body: { contents } },
];

/** The word for an error's kind by status; 400's for what is not here. */
const words: Record<Dialect, Record<number, string>> = {
  anthropic: {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
  },
  "openai-chat": { 400: "invalid_request_error", 401: "authentication_error", 403: "permission_error" },
  "openai-responses": { 400: "invalid_request_error", 401: "authentication_error", 403: "permission_error" },
  gemini: { 400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND" },
};
const codes: Record<number, string> = { 401: "invalid_api_key", 404: "model_not_found", 413: "request_too_large" };

/** An error of ours with this status, whole, as the dialect's clients read it ("Errors" in each provider's API reference). */
export function errorBodyOf(dialect: Dialect, status: number): object {
  const word = words[dialect][status] ?? words[dialect][400];
  const message = expect.stringMatching(/^[^\n]{5,400}$/) as string;
  if (dialect === "anthropic") return { type: "error", error: { type: word, message } };
  if (dialect === "gemini") return { error: { code: status, message, status: word } };
  return { error: { message, type: word, code: codes[status] ?? null, param: null } };
}
