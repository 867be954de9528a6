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
  const values = new Map<string, string>();
  for (const [name, value] of [...file, ...Object.entries(env)]) {
    // White space around a key came along from where it was copied: providers would be sent it without, and nothing would know it again.
    const key = value?.trim() ?? "";
    if (key !== "") values.set(name, key);
  }
  const names = [...values.keys()];
  return { get: (name) => values.get(name), names: () => names };
}

/** Reads the key file anew whenever it changed, so that a key added to it joins at the next request. */
export function openKeyRing(home: Home, env: Record<string, string | undefined>): KeyRing {
  let last: { stamp: string; keys: HeldKeys } | undefined;
  const held = perMoment(() => {
    const stat = statSync(home.env, { throwIfNoEntry: false, bigint: true });
    const stamp = stat === undefined ? "absent" : `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
    if (last?.stamp !== stamp)
      last = { stamp, keys: holdKeys(parseDotenv(readPrivate(home.env) ?? "", home.env), env) };
    return last.keys;
  });
  return { held, get: (name) => held().get(name), names: () => held().names() };
}
