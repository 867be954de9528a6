// One line of a history (a run's ledger, the launch audit): its shape, its hash and its signature. Pure; the same code writes and verifies.
// The hash covers everything in the record but itself and the signature, sequence and previous hash included.
// Does not stop: the holder of the signing key (the operator's own account) from writing another history.

import * as v from "valibot";
import { createHash, type KeyObject, sign, verify } from "node:crypto";
import { canonicalJson, type Json } from "#src/core/json.ts";

/** Records that close what came before: they carry a signature and their (seq, hash) goes to the database. */
export const CHECKPOINTS: ReadonlySet<string> = new Set(["checkpoint.opened", "run.completed"]);

/** A kind of history: what its signatures are bound to, so that none fits another kind, and which of its records carry one. */
export type Chain = { label: string; signs(event: string): boolean };
export const LEDGER: Chain = { label: "broke-ledger-1", signs: (event) => CHECKPOINTS.has(event) };

export const recordSchema = v.strictObject({
  v: v.literal(1),
  run: v.string(),
  seq: v.pipe(v.number(), v.integer(), v.minValue(1)),
  ts: v.string(),
  event: v.string(),
  data: v.record(v.string(), v.unknown()),
  prev: v.string(),
  hash: v.string(),
  sig: v.optional(v.string()),
});
export type LedgerRecord = Omit<v.InferOutput<typeof recordSchema>, "data"> & { data: Record<string, Json> };

/** `prev` of the first record. */
export const GENESIS = "0".repeat(64);

/** SHA-256, hex, over the canonical JSON of the record without `hash` and `sig`. */
export function hashRecord(record: Omit<LedgerRecord, "hash" | "sig">): string {
  const { v: version, run, seq, ts, event, data, prev } = record;
  return createHash("sha256")
    .update(canonicalJson({ v: version, run, seq, ts, event, data, prev }))
    .digest("hex");
}

function signedText(record: Pick<LedgerRecord, "run" | "seq" | "hash">, chain: Chain): Buffer {
  return Buffer.from(`${chain.label}\n${record.run}\n${record.seq}\n${record.hash}`);
}

/** Ed25519 signature, base64url, over the kind of history, run, sequence and hash. */
export function signRecord(
  record: Pick<LedgerRecord, "run" | "seq" | "hash">,
  key: KeyObject,
  chain: Chain = LEDGER,
): string {
  return sign(null, signedText(record, chain), key).toString("base64url");
}

/** Whether the record's signature is by the holder of the key's other half. */
export function isSignedBy(record: LedgerRecord, key: KeyObject, chain: Chain = LEDGER): boolean {
  if (record.sig === undefined) return false;
  const signature = Buffer.from(record.sig, "base64url");
  // The decoder passes over characters that do not belong; one signature has one spelling.
  return signature.toString("base64url") === record.sig && verify(null, signedText(record, chain), key, signature);
}
