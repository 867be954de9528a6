// The operator's settings: nothing until set, the last word wins, kept over a restart.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "#src/state/database.ts";
import { openHome } from "#src/state/paths.ts";
import { openSettings } from "#src/state/settings.ts";

test("a setting is what it was last set to, for the next process too", () => {
  const dir = mkdtempSync(join(tmpdir(), "broke-settings-"));
  try {
    const home = openHome({ BROKE_HOME: dir });
    const settings = openSettings(openDatabase(home));
    const before = settings.get("sandbox");
    settings.set("sandbox", "normal");
    settings.set("sandbox", "hardened");
    expect([before, settings.get("sandbox"), openSettings(openDatabase(home)).get("sandbox")]).toEqual([
      ...[undefined, "hardened", "hardened"],
    ]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
