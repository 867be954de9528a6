// What `doctor` looks at of the state: whether what lies in BROKE_HOME can be read and believed. Nothing of its content is told.

import { existsSync } from "node:fs";
import type { Db } from "./database.ts";
import { type Check, ok } from "#src/core/checks.ts";
import { BrokeError } from "#src/core/errors.ts";
import type { Home } from "./paths.ts";
import type { KeyRing } from "./keys.ts";
import { signingKeys } from "./secrets.ts";

/** `repaired` is what was not private when the home was opened. */
export function stateChecks({
  home,
  db,
  keys,
  repaired,
}: {
  home: Home;
  db: Db;
  keys: KeyRing;
  repaired: readonly string[];
}): Check[] {
  return [
    {
      id: "home",
      run: () =>
        repaired.length === 0
          ? ok(`${home.root}, private`)
          : { status: "repaired", detail: `could be read by others, and is private again: ${repaired.join(", ")}` },
    },
    {
      id: "database",
      run() {
        const problem = db.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get()?.quick_check;
        if (problem === "ok") return ok(home.database);
        throw new BrokeError(
          "config",
          `${home.database} is damaged`,
          "restore it from a backup, or move it away and set the routing anew",
        );
      },
    },
    {
      id: "keys",
      run() {
        keys.names();
        return ok(existsSync(home.env) ? `${home.env} can be read` : `${home.env} is not there`);
      },
    },
    {
      id: "signing key",
      run() {
        signingKeys(home);
        return ok(home.signingKey);
      },
    },
  ];
}
