// The operator's provider keys: BROKE_HOME/.env, then the environment. Values leave this module only to the gateway's upstream calls and the redactor.
// Does not stop: another process of the same user from reading the same file.

import { statSync } from "node:fs";
import { parseDotenv } from "./dotenv.ts";
import { readPrivate } from "./files.ts";
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
