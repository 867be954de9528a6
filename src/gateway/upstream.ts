// One call to a provider: address, headers in and out by allow-list, the key in the header the provider wants, abort tied to the client.
// A key never appears in a URL, and nothing a provider sets (cookies, its own key echoes) is forwarded.

import type { Backend } from "#src/routing/backends.ts";

const FORWARDED_REQUEST = ["anthropic-version", "anthropic-beta"];
const FORWARDED_RESPONSE =
  /^(content-type|retry-after|retry-after-ms|request-id|x-should-retry|anthropic-ratelimit-.*)$/;

/**
 * URL of a dialect's endpoint below a backend's base. Anthropic's own convention leaves the version out of the base URL, OpenAI's puts
 * it in; both spellings work.
 */
export function upstreamUrl(backend: Backend, path: string, query: string): string {
  const versioned = /\/v\d+[a-z]*(\/.*)?$/.test(new URL(backend.baseUrl).pathname);
  const version = backend.dialect === "anthropic" && !versioned ? "/v1" : "";
  return `${backend.baseUrl}${version}${path}${query}`;
}

/** Headers for the provider: the dialect's own, ours, the key. */
export function requestHeaders(backend: Backend, key: string | undefined, client: Headers): Headers {
  const headers = new Headers({
    "content-type": "application/json",
    // What is not compressed can be watched as it passes, without a second copy.
    "accept-encoding": "identity",
    "user-agent": "broke",
  });
  if (backend.dialect === "anthropic") {
    for (const name of FORWARDED_REQUEST) {
      const value = client.get(name);
      if (value !== null) headers.set(name, value);
    }
    if (!headers.has("anthropic-version")) headers.set("anthropic-version", "2023-06-01");
  }
  if (key !== undefined) {
    if (backend.keyHeader === "bearer") headers.set("authorization", `Bearer ${key}`);
    else headers.set(backend.keyHeader, key);
  }
  return headers;
}

/** The provider's headers that a client may see. */
export function responseHeaders(upstream: Headers): Headers {
  const headers = new Headers();
  for (const [name, value] of upstream) if (FORWARDED_RESPONSE.test(name)) headers.set(name, value);
  return headers;
}

/** Sends the request; resolves with the provider's head. Rejects on network failure and on abort. */
export function callUpstream(
  url: string,
  headers: Headers,
  body: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<Response> {
  // Bun would end a silent answer after five minutes; how long silence may last is decided by who reads it.
  return fetch(url, { method: "POST", headers, body, signal, redirect: "manual", keepalive: true, timeout: false });
}

/** How long the provider asks to wait, in ms; undefined when it does not say (RFC 9110 §10.2.3, and OpenAI's `retry-after-ms`). */
export function retryAfterMs(headers: Headers, nowMs: number): number | undefined {
  const exact = headers.get("retry-after-ms");
  if (exact !== null && /^\d{1,10}(\.\d+)?$/.test(exact)) return Number(exact);
  const said = headers.get("retry-after");
  if (said === null) return undefined;
  if (/^\d{1,8}(\.\d+)?$/.test(said)) return Number(said) * 1000;
  const date = Date.parse(said);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
