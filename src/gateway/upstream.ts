// One call to a provider: address, headers in and out by allow-list, the key in the header the provider wants, abort tied to the client.
// A key never appears in a URL, and nothing a provider sets (cookies, its own key echoes) is forwarded.

import type { Dialect } from "#src/core/dialects.ts";
import type { Backend } from "#src/routing/backends.ts";
import { targetOf } from "./target.ts";

/** What of a client's headers means something to the provider; everything else may name the person, the machine or the project. */
const FORWARDED_REQUEST: Record<Dialect, readonly string[]> = {
  anthropic: ["anthropic-version", "anthropic-beta"],
  "openai-chat": [],
  "openai-responses": [],
  gemini: [],
};
const FORWARDED_RESPONSE = new Set([
  "content-type",
  "retry-after",
  "retry-after-ms",
  "request-id",
  "x-request-id",
  "x-should-retry",
]);
const FORWARDED_FAMILIES = ["anthropic-ratelimit-", "x-ratelimit-"];

/** What each dialect's own server has in front of its paths; a base URL may leave it out. */
const VERSIONS: Record<Dialect, string> = {
  anthropic: "/v1",
  "openai-chat": "/v1",
  "openai-responses": "/v1",
  gemini: "/v1beta",
};

/**
 * URL of a dialect's endpoint below a backend's base. Anthropic's and Google's own convention leaves the version out of the base URL, OpenAI's
 * puts it in, and so may a path of the provider's own; a bare host of a local server means the usual version.
 */
export function upstreamUrl({ baseUrl, dialect }: Pick<Backend, "baseUrl" | "dialect">, path: string): string {
  const { path: below } = targetOf(baseUrl);
  const versioned = /\/v\d+[a-z]*(\/.*)?$/.test(below);
  const ownPath = dialect.startsWith("openai") && below !== "/";
  return `${baseUrl}${versioned || ownPath ? "" : VERSIONS[dialect]}${path}`;
}

/** What a header can hold (RFC 9110 §5.5). */
const SENDABLE = /^[\t\x20-\x7e\x80-\xff]+$/;

/** The last headers made for a backend, for which key and of which clients. */
type Made = { key: string | undefined; said: readonly (string | null)[]; headers: Headers };
const made = new WeakMap<Backend, Made>();

function isFor({ key, said }: Made, backend: Backend, wanted: string | undefined, client: Headers): boolean {
  const names = FORWARDED_REQUEST[backend.dialect];
  if (key !== wanted) return false;
  for (let at = 0; at < names.length; at++) if (client.get(names[at]!) !== said[at]) return false;
  return true;
}

/**
 * Headers for the provider: the dialect's own, ours, the key. The same object as last time where nothing of it differs: not to be changed. Undefined where
 * no header can hold the key: then nothing may be sent.
 */
export function requestHeaders(backend: Backend, key: string | undefined, client: Headers): Headers | undefined {
  if (key !== undefined && !SENDABLE.test(key)) return undefined;
  const last = made.get(backend);
  if (last !== undefined && isFor(last, backend, key, client)) return last.headers;
  const headers = new Headers({
    "content-type": "application/json",
    // What is not compressed can be watched as it passes, without a second copy.
    "accept-encoding": "identity",
    "user-agent": "broke",
  });
  if (backend.dialect === "anthropic") headers.set("anthropic-version", "2023-06-01");
  const names = FORWARDED_REQUEST[backend.dialect];
  const said = names.map((name) => client.get(name));
  for (const [at, value] of said.entries()) if (value !== null) headers.set(names[at]!, value);
  if (key !== undefined) {
    if (backend.keyHeader === "bearer") headers.set("authorization", `Bearer ${key}`);
    else headers.set(backend.keyHeader, key);
  }
  made.set(backend, { key, said, headers });
  return headers;
}

/** Adds the provider's headers that a client may see; none that gives the key back. */
export function addResponseHeaders(upstream: Headers, key: string | undefined, to: Record<string, string>): void {
  upstream.forEach((value, name) => {
    if (!FORWARDED_RESPONSE.has(name) && !FORWARDED_FAMILIES.some((start) => name.startsWith(start))) return;
    if (key === undefined || !value.includes(key)) to[name] = value;
  });
}

/** What is said of a key that no header can hold. */
export const UNSENDABLE = "the key of this backend holds characters that cannot be sent";

/** Sends the request; resolves with the provider's head. Rejects on network failure and on abort. */
export function callUpstream(
  url: string,
  headers: Headers,
  body: Uint8Array<ArrayBuffer> | string,
  signal: AbortSignal,
): Promise<Response> {
  // Bun would end a silent answer after five minutes; how long silence may last is decided by who reads it.
  return fetch(url, { method: "POST", headers, body, signal, redirect: "manual", keepalive: true, timeout: false });
}

const NUMBER = /^\d+(\.\d+)?$/;
const DAY = /^(mon|tue|wed|thu|fri|sat|sun)[a-z]*,? /i;
/** Whatever is said: who is told clamps it, and needs a number for it. */
const MOST_MS = 366 * 86_400_000;

/** How long the provider asks to wait, in ms; undefined when it does not say (RFC 9110 §10.2.3, and OpenAI's `retry-after-ms`). */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const exact = headers.get("retry-after-ms");
  if (exact !== null && NUMBER.test(exact)) return Math.min(Number(exact), MOST_MS);
  const said = headers.get("retry-after");
  if (said === null) return undefined;
  // A date has a comma too; said more than once, numbers have it between them.
  const numbers = said.split(",").map((one) => one.trim());
  if (numbers.every((one) => NUMBER.test(one))) return Math.min(Math.max(...numbers.map(Number)) * 1000, MOST_MS);
  const date = DAY.test(said) ? Date.parse(said) : NaN;
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - nowMs), MOST_MS);
}
