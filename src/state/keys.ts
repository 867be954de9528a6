// The operator's provider keys: BROKE_HOME/.env, then the environment. Values leave this module only to the gateway's upstream calls and the redactor.
// Does not stop: another process of the same user from reading the same file.

import { statSync } from "node:fs";
import { parseDotenv } from "./dotenv.ts";
import { readPrivate } from "./files.ts";
import { perMoment } from "./moment.ts";
import type { Home } from "./paths.ts";

/** Looks a variable up; the process environment wins over the file, as in every shell. */
export type Keys = { get(name: string): string | undefined };
/** All that are set at one moment, whatever becomes of the file. */
export type HeldKeys = Keys & { names(): string[] };
export type KeyRing = HeldKeys & { held(): HeldKeys };

function holdKeys(file: ReadonlyMap<string, string>, env: Record<string, string | undefined>): HeldKeys {
  // A line end that came along with it is nobody's key: providers would be sent it without, and nothing would know it again.
  const get = (name: string) => env[name]?.trim() || file.get(name)?.trim() || undefined;
  const names = [...new Set([...Object.keys(env), ...file.keys()])].filter((name) => get(name) !== undefined);
  return { get, names: () => names };
}

/** Reads the key file anew whenever it changed, so that a key added to it joins at the next request. */
export function openKeyRing(home: Home, env: Record<string, string | undefined>): KeyRing {
  let stamp = "";
  let keys = holdKeys(new Map(), env);
  const held = perMoment(() => {
    const stat = statSync(home.env, { throwIfNoEntry: false, bigint: true });
    const now = stat === undefined ? "absent" : `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
    if (now === stamp) return keys;
    keys = holdKeys(parseDotenv(readPrivate(home.env) ?? "", home.env), env);
    stamp = now;
    return keys;
  });
  return { held, get: (name) => held().get(name), names: () => held().names() };
}
