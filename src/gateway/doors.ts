// Which path is which dialect's, and what may be done there. One table: routes, the methods a path takes, and the words an error is said in.

import type { Dialect } from "#src/core/dialects.ts";
import type { Door } from "./incoming.ts";
import type { RequestTarget } from "./target.ts";

export type Service = "model" | "count";

/** What each dialect's clients POST to. The second spelling is for base URLs given with or without a version. */
export const posts: readonly { paths: readonly string[]; dialect: Dialect; service: Service }[] = [
  { paths: ["/v1/messages"], dialect: "anthropic", service: "model" },
  { paths: ["/v1/messages/count_tokens"], dialect: "anthropic", service: "count" },
  { paths: ["/v1/responses", "/responses"], dialect: "openai-responses", service: "model" },
  { paths: ["/v1/chat/completions", "/chat/completions"], dialect: "openai-chat", service: "model" },
];

/** Where lists of models are. */
export const lists: readonly string[] = ["/v1/models", "/models", "/v1beta/models"];

const methods: Record<string, { service: Service; stream: boolean }> = {
  generateContent: { service: "model", stream: false },
  streamGenerateContent: { service: "model", stream: true },
  countTokens: { service: "count", stream: false },
};

/** Gemini's model and method, both in the path; undefined when it is not one of its calls. */
export function geminiDoor({ path, query }: RequestTarget): { door: Door; service: Service } | undefined {
  const [, version, rest] = /^\/(v1beta|v1)\/models\/([^/]+)\/?$/.exec(path) ?? [];
  if (rest === undefined) return undefined;
  // Clients made from a description of the path escape what they put into it.
  const [, before, name] = /^(.+)(?::|%3a)([A-Za-z]+)$/i.exec(rest) ?? [];
  if (before === undefined || name === undefined) return undefined;
  const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
  if (method === undefined) return undefined;
  const model = decode(before);
  if (model === undefined) return undefined;
  const array = method.stream && new URLSearchParams(query).get("alt") !== "sse";
  return {
    service: method.service,
    door: {
      dialect: "gemini",
      route: `/${version}/models/{model}:${name}`,
      named: { model, stream: method.stream },
      ...(array ? { array } : {}),
    },
  };
}

/** A path's segment as text; undefined when it is badly escaped. */
export function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

/** The dialect whose clients come to this path: an error there is said in its words. Undefined where the path does not tell. */
export function dialectAt(path: string): Dialect | undefined {
  if (path.startsWith("/v1beta/") || /^\/v1\/models\/[^/]+(:|%3a)/i.test(path)) return "gemini";
  if (/^(\/v1)?\/(chat|responses)\b/.test(path)) return "openai-chat";
  return /^\/v1\/messages\b/.test(path) ? "anthropic" : undefined;
}

/** What OpenAI's clients would find at OpenAI, and why it is not here. */
const absent: readonly [RegExp, string][] = [
  // Codex with a provider of its own never asks; with OpenAI's it does, and its answer is an item only OpenAI can read.
  [/^(\/v1)?\/responses\/compact\/?$/, "compaction is an ordinary turn here: POST /v1/responses"],
  [/^(\/v1)?\/responses\/./, "answers are not stored here: POST /v1/responses with the whole conversation"],
];

/** What to say of a path that is none. */
export function absenceAt(path: string): string {
  return absent.find(([known]) => known.test(path))?.[1] ?? "no such endpoint";
}

/** What only this machine's own callers find. */
const LOCAL = new Set([
  ...["/health/liveliness", "/health/readiness", "/metrics"],
  ...["/swagger", "/swagger/json", "/swagger/ui.js", "/swagger/ui.css"],
]);

const plainOf = (path: string) => (path.length > 1 ? path.replace(/\/$/, "") : path);

/** Every path that anything is served at, as routers spell them; all but the first with a slash at the end too. */
export const servedPaths: readonly string[] = [
  "/",
  ...[...posts.flatMap(({ paths }) => paths), ...lists, ...LOCAL],
  // One model by its name: a slot's entry, and Gemini's calls.
  ...lists.map((list) => `${list}/:model`),
];

/** Whether a path is one of them. */
export const isServedAt = (path: string): boolean => servedPaths.includes(plainOf(path)) || isOfOneModel(path);

/** Whether it is one of those of one model, by its name. */
export function isOfOneModel(path: string): boolean {
  const plain = plainOf(path);
  const slash = plain.lastIndexOf("/");
  return slash < plain.length - 1 && lists.includes(plain.slice(0, slash));
}

/** The methods a path takes where everything is served, for `Allow`; undefined when there is no such path. */
export function allowedHere(path: string): string | undefined {
  return LOCAL.has(plainOf(path)) ? "GET, HEAD, OPTIONS" : allowedAt(path);
}

/** The same where models alone are. */
export function allowedAt(path: string): string | undefined {
  const plain = plainOf(path);
  if (plain === "/") return "HEAD, OPTIONS";
  if (posts.some(({ paths }) => paths.includes(plain))) return "POST, OPTIONS";
  if (lists.includes(plain)) return "GET, HEAD, OPTIONS";
  if (geminiDoor({ path: plain, query: "" }) !== undefined) return "POST, OPTIONS";
  const slash = plain.lastIndexOf("/");
  return lists.includes(plain.slice(0, slash)) && !plain.includes(":") ? "GET, HEAD, OPTIONS" : undefined;
}
