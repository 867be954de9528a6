// Secrets of the operator: provider keys (BROKE_HOME/.env, then the environment), the client token of the TCP gateway, the ledger's
// signing key. Values leave this module only to the gateway's upstream calls, the token check, the signer and the redactor.
// Does not stop: another process of the same user from reading the same files.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { statSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { newSecret } from "#src/core/ids.ts";
import { parseDotenv } from "./dotenv.ts";
import { createPrivate, readPrivate } from "./files.ts";
import type { Home } from "./paths.ts";
import { perTurn } from "./turn.ts";

/** Looks a variable up; the process environment wins over the file, as in every shell. */
export type Keys = { get(name: string): string | undefined };
/** `held`: as they are at this moment, whatever becomes of the file. */
export type KeyRing = Keys & { names(): string[]; held(): Keys };

/** Reads the key file anew whenever it changed, so that a key added to it joins at the next request. */
export function openKeyRing(home: Home, env: Record<string, string | undefined>): KeyRing {
  let stamp = "";
  let file = new Map<string, string>();
  let names: string[] = [];
  const refresh = perTurn(() => {
    const stat = statSync(home.env, { throwIfNoEntry: false, bigint: true });
    const now = stat === undefined ? "absent" : `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
    if (now === stamp) return;
    file = parseDotenv(readPrivate(home.env) ?? "", home.env);
    const set = Object.keys(env).filter((name) => env[name] !== undefined && env[name] !== "");
    const kept = [...file].filter(([, value]) => value !== "").map(([name]) => name);
    names = [...new Set([...set, ...kept])];
    stamp = now;
  });
  const find = (from: ReadonlyMap<string, string>, name: string) => env[name] || from.get(name) || undefined;
  return {
    get(name) {
      refresh();
      return find(file, name);
    },
    held() {
      refresh();
      const now = file;
      return { get: (name) => find(now, name) };
    },
    names() {
      refresh();
      return names;
    },
  };
}

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
