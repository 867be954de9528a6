// Secrets of our own: the client token of the TCP gateway, the ledger's signing key. Values leave this module only to the token check and the signer.
// Does not stop: another process of the same user from reading the same files.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { BrokeError } from "#src/core/errors.ts";
import { newSecret } from "#src/core/ids.ts";
import { createPrivate } from "./files.ts";
import type { Home } from "./paths.ts";

/** The token clients of the TCP gateway present: `BROKE_CLIENT_TOKEN`, else one generated once. */
export function clientToken(home: Home, env: Record<string, string | undefined>): string {
  const given = env.BROKE_CLIENT_TOKEN;
  if (given !== undefined && given !== "") {
    if (given.length < 16)
      throw new BrokeError("usage", "BROKE_CLIENT_TOKEN is too short", "use at least 16 characters");
    return given;
  }
  return createPrivate(home.clientToken, `${newSecret("brokecli")}\n`).trim();
}

/** The ledger's Ed25519 pair, made at first use. Throws `config` when the file is damaged: history could no longer be verified. */
export function signingKeys(home: Home): { sign: KeyObject; verify: KeyObject } {
  const fresh = () => generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const text = createPrivate(home.signingKey, fresh());
  try {
    const key = createPrivateKey(text);
    if (key.asymmetricKeyType !== "ed25519") throw new TypeError("wrong type");
    return { sign: key, verify: createPublicKey(key) };
  } catch {
    throw new BrokeError(
      "config",
      `${home.signingKey} is not an Ed25519 key`,
      "restore it from a backup; ledgers signed with it cannot be verified without it",
    );
  }
}
