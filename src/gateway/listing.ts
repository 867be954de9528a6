// Asks for lists of models: only when the operator says so, each once, with one key, at an address of the provider table or of the operator's own.
// Nothing that a provider says is ever in an error.
// Does not stop: a provider from learning that its key is asked with.

import type { Json } from "#src/core/json.ts";
import { parseJson } from "#src/core/json.ts";
import type { Backend } from "#src/routing/backends.ts";
import { keyPool } from "#src/routing/candidates.ts";
import { blockOf, type Health } from "#src/routing/health.ts";
import { type Listing, readListing } from "#src/routing/listing.ts";
import { providers } from "#src/routing/providers.ts";
import type { KeyRing } from "#src/state/keys.ts";
import { requestHeaders, UNSENDABLE, upstreamUrl } from "./upstream.ts";

const TIMEOUT_MS = 15_000;
const MAX_BYTES = 16 * 1024 * 1024;

/** `unset`: it has no key, and was not asked. `failed`: why, in words of our own. */
export type Listed =
  | { source: string; kind: "listed"; listing: Listing }
  | { source: string; kind: "unset" }
  | { source: string; kind: "failed"; why: string };

/** As many as they give at once. */
const QUERIES: Partial<Record<Backend["dialect"], string>> = { gemini: "?pageSize=1000", anthropic: "?limit=1000" };

const urlOf = (source: string, backend: Backend) =>
  providers.get(source)?.list ?? `${upstreamUrl(backend, "/models")}${QUERIES[backend.dialect] ?? ""}`;

/** Undefined: it is too large. */
async function readText(response: Response): Promise<string | undefined> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > MAX_BYTES) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

async function ask(url: string, headers: Headers): Promise<Listing | string> {
  const seconds = TIMEOUT_MS / 1000;
  let document: Json | undefined;
  try {
    const response = await fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (response.status !== 200) {
      await response.body?.cancel();
      return `it answered ${response.status}`;
    }
    const text = await readText(response);
    if (text === undefined) return `its list is larger than ${MAX_BYTES / 1024 / 1024} MiB`;
    document = parseJson(text);
  } catch (error) {
    return (error as Error).name === "TimeoutError" ? `no list within ${seconds} s` : "it cannot be reached";
  }
  return readListing(document) ?? "what it answered is no list of models";
}

/** Asks one source. Keys that are held back are not used, as with any request. */
export async function askForList(
  source: string,
  backend: Backend,
  { keys, health, nowMs }: { keys: KeyRing; health: Health; nowMs: number },
): Promise<Listed> {
  const set = backend.keyEnv === null ? [null] : keyPool(backend.keyEnv, keys.names());
  if (set.length === 0) return { source, kind: "unset" };
  const keyName = set.find((name) => blockOf({ backend, keyName: name }, health, nowMs) === undefined);
  if (keyName === undefined) return { source, kind: "failed", why: "every key of it is held back" };
  const key = keyName === null ? undefined : keys.get(keyName);
  const headers = requestHeaders(backend, key, new Headers());
  const found = headers === undefined ? UNSENDABLE : await ask(urlOf(source, backend), headers);
  return typeof found === "string"
    ? { source, kind: "failed", why: found }
    : { source, kind: "listed", listing: found };
}
