// Signed and encrypted thinking of one backend, carried through a client of another dialect: in the field where that client keeps such a thing
// and sends it back unread. A seal says who minted what is inside, so that it goes back to nobody else.
// Does not stop: a client from forging one. What is inside is checked by the provider that minted it.

import { createHash } from "node:crypto";
import { type Dialect, dialects } from "#src/core/dialects.ts";
import { makeMemo } from "#src/core/memo.ts";

/** `redacted`: the thinking itself, encrypted; `signature`: what proves a thinking that can be read. */
export type Sealed = { origin: Dialect; scope: string; kind: "signature" | "redacted"; data: string };

const PREFIX = "broke1";
/** How a text of JSON begins that may be a seal. */
export const SEAL_SIGN = `"${PREFIX}.`;
/** The name is asked for with every request, and hashing it took longer than all else that is done with it. */
const scopes = makeMemo<string>(1024);
const SCOPE = /^[0-9a-f]{16}$/;

/** A short name for a backend's account: what it mints is of use to the same only. `parts`: base URL, model, name of the key. */
export function scopeOf(parts: readonly (string | null)[]): string {
  const text = JSON.stringify(parts);
  return scopes(text, () => createHash("sha256").update(text).digest("hex").slice(0, 16));
}

/** As text of `[A-Za-z0-9._-]` and what `data` is made of. */
export function seal({ origin, scope, kind, data }: Sealed): string {
  return [PREFIX, origin, scope, kind, data].join(".");
}

/** What a client sent back; undefined when it is no seal of ours. */
export function unseal(text: string): Sealed | undefined {
  const [prefix, origin, scope, kind, ...rest] = text.split(".");
  const dialect = dialects.find((known) => known === origin);
  if (prefix !== PREFIX || dialect === undefined || scope === undefined || !SCOPE.test(scope)) return undefined;
  if (kind !== "signature" && kind !== "redacted") return undefined;
  return { origin: dialect, scope, kind, data: rest.join(".") };
}

/** The members of a thinking block for what a client sent back; `native` is the dialect whose own it is when it is no seal. */
export function unsealThinking(
  text: string,
  native: Dialect,
): { origin: Dialect; scope?: string; signature?: string; redacted?: string } {
  const sealed = unseal(text);
  if (sealed === undefined) return { origin: native, signature: text };
  const { origin, scope, kind, data } = sealed;
  return kind === "signature" ? { origin, scope, signature: data } : { origin, scope, redacted: data };
}

/** Whether a backend may get this thinking back: its own, signed or encrypted. */
export function isMintedBy(
  block: { origin: Dialect | null; scope?: string; signature?: string; redacted?: string },
  dialect: Dialect,
  scope: string,
): boolean {
  if (block.origin !== dialect || (block.scope !== undefined && block.scope !== scope)) return false;
  return Boolean(block.signature) || Boolean(block.redacted);
}
