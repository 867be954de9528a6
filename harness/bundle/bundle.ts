// What is in a bundle, in this order: what it is, the public key, the ledger, the ledger's artifacts by name. Pure.

import * as v from "valibot";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { isRunId } from "#src/core/ids.ts";

export const names = {
  manifest: "manifest.json",
  key: "key.pem",
  ledger: "ledger.jsonl",
  artifacts: "artifacts/",
} as const;
export const MAX_MANIFEST_BYTES = 4096;
export const MAX_KEY_BYTES = 1024;

/** `head` is where the exporter's own database said that the ledger ended, `key` the fingerprint of the key that signed it. */
export const manifestSchema = v.strictObject({
  kind: v.literal("broke-run"),
  v: v.literal(1),
  run: v.pipe(v.string(), v.check(isRunId)),
  head: v.strictObject({ seq: v.pipe(v.number(), v.integer(), v.minValue(0)), hash: v.string() }),
  key: v.string(),
});
export type Manifest = v.InferOutput<typeof manifestSchema>;

/** A public key as people compare it: SHA-256 of its SubjectPublicKeyInfo, base64 without padding, as ssh-keygen(1) spells its own. */
export function fingerprint(key: KeyObject): string {
  const der = key.export({ type: "spki", format: "der" });
  return `SHA256:${createHash("sha256").update(der).digest("base64").replace(/=+$/, "")}`;
}

/** An Ed25519 public key in PEM; undefined for anything else. */
export function readPublicKey(pem: string): KeyObject | undefined {
  try {
    if (!pem.includes("PUBLIC KEY")) return undefined;
    const key = createPublicKey(pem);
    return key.asymmetricKeyType === "ed25519" ? key : undefined;
  } catch {
    return undefined;
  }
}
