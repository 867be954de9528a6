// The operator's own settings, a word each. What a word means is known where it is used.

import type { Db } from "./database.ts";
import { requireThawed } from "./freeze.ts";

/**
 * `sandbox`: the profile of runs that name none; `harness`: their policy. `client`: whom `broke` alone launches, if `mode` is not `router`: then it starts
 * the gateway and nobody.
 */
export type SettingName = "sandbox" | "harness" | "client" | "mode";

export type SettingStore = { get(name: SettingName): string | undefined; set(name: SettingName, value: string): void };

/** The settings in an open database. */
export function openSettings(db: Db): SettingStore {
  const select = db.query<{ value: string }, [string]>("SELECT value FROM settings WHERE name = ?");
  const upsert = db.query(
    "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
  );
  return {
    get: (name) => select.get(name)?.value,
    set: db.transaction((name: SettingName, value: string) => {
      requireThawed(db);
      upsert.run(name, value);
    }).immediate,
  };
}
