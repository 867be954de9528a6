// Bound tokens, as two processes of one home see them.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "#src/state/database.ts";
import { openHome } from "#src/state/paths.ts";
import { openTokens } from "#src/state/tokens.ts";

test("what another process revoked lets nobody in from then on, however many ask meanwhile", () => {
  const dir = mkdtempSync(join(tmpdir(), "broke-tokens-"));
  try {
    const home = openHome({ BROKE_HOME: dir });
    using here = openDatabase(home);
    using there = openDatabase(home);
    // So that a commit takes less than a moment.
    there.run("PRAGMA synchronous = OFF");
    const [asked, other] = [openTokens(here, Date.now), openTokens(there, Date.now)];
    for (let round = 0; round < 200; round++) {
      const { name, token } = other.issue({ name: null, profile: "app", token: null, expiresMs: null });
      expect(asked.find(token)?.state).toBe("live");
      expect(asked.find(token)?.state).toBe("live");
      other.revoke(name);
      expect(asked.find(token)?.state).toBe("revoked");
    }
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
