// The checklist finds out what does not hold: each promise is tried on what is really there.

import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChecks } from "#src/core/checks.ts";
import { openHome } from "#src/state/paths.ts";
import { profileOf } from "#sandbox/profile.ts";
import { checklist } from "#harness/checklist.ts";
import type { RunDeps } from "#harness/run.ts";

const unused = (): never => {
  throw new Error("not for a checklist");
};

test("a sandbox that cannot be relied on is said, and keeps the others from nothing", async () => {
  const root = mkdtempSync(join(tmpdir(), "broke-checklist-test-"));
  try {
    const home = openHome({ BROKE_HOME: join(root, "home") }, unused);
    mkdirSync(join(root, "elsewhere"));
    const deps: RunDeps = {
      home,
      runs: {
        ...{ add: unused, saveHead: unused, setStatus: unused, get: unused, list: unused },
        ...{ decide: unused, undecide: unused, decided: unused },
      },
      audit: { append: unused, read: unused, restart: unused, settle: unused },
      keys: { sign: generateKeyPairSync("ed25519").privateKey },
      gateway: { serve: unused, ask: unused, servedSlots: unused },
      roles: { list: unused, record: unused },
      keyOf: unused,
      ...{ slots: [], keyNames: [], secrets: [], clock: Date.now },
      env: { PATH: "/usr/bin:/bin", HOME: join(root, "elsewhere") },
    };
    const open = { ...profileOf("strict"), limits: { openFiles: 3 } };
    const statuses = async (profile: Parameters<typeof checklist>[1]) =>
      Object.fromEntries((await runChecks(checklist(deps, profile))).map(({ id, status }) => [id, status]));
    expect((await statuses(profileOf("strict"))).confinement).toBe("ok");
    expect(await statuses(open)).toMatchObject({ confinement: "failed", ledger: "ok", verification: "ok" });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
