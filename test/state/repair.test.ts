// What lies in BROKE_HOME is made private and said; what is not ours to make so is refused.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHome } from "#src/state/paths.ts";
import { repairPermissions } from "#src/state/repair.ts";

let root = "";
beforeEach(() => void (root = mkdtempSync(join(tmpdir(), "broke-repair-"))));
afterEach(() => rmSync(root, { recursive: true, force: true }));
const mode = (name: string) => statSync(join(root, name)).mode & 0o7777;

test("each thing that others could read is repaired once, and named", () => {
  chmodSync(root, 0o755);
  mkdirSync(join(root, "runs"), { mode: 0o700 });
  mkdirSync(join(root, "run"));
  chmodSync(join(root, "run"), 0o770);
  writeFileSync(join(root, ".env"), "KEY=value\n");
  chmodSync(join(root, ".env"), 0o644);
  writeFileSync(join(root, "broke.db"), "", { mode: 0o600 });
  expect(repairPermissions(root).sort()).toEqual([".", ".env", "run"]);
  expect(["", "run", "runs", ".env", "broke.db"].map(mode)).toEqual([0o700, 0o700, 0o700, 0o600, 0o600]);
  expect(repairPermissions(root)).toEqual([]);
});

test("opening the home says what was repaired, by its whole path", () => {
  const home = openHome({ BROKE_HOME: join(root, "home") });
  writeFileSync(home.env, "KEY=value\n");
  chmodSync(home.env, 0o640);
  chmodSync(home.runs, 0o711);
  const told: string[] = [];
  openHome({ BROKE_HOME: home.root }, (path) => told.push(path));
  expect(told.sort()).toEqual([home.env, home.runs]);
});

test("a link is refused, not followed", () => {
  writeFileSync(join(root, "elsewhere"), "", { mode: 0o600 });
  chmodSync(join(root, "elsewhere"), 0o644);
  mkdirSync(join(root, "home"), { mode: 0o700 });
  symlinkSync("../elsewhere", join(root, "home", ".env"));
  expect(() => repairPermissions(join(root, "home"))).toThrow(
    expect.objectContaining({ kind: "config", message: `${join(root, "home", ".env")} cannot be opened` }),
  );
  expect(mode("elsewhere")).toBe(0o644);
});

test.skipIf(process.getuid!() !== 0)("(as root, who can make one) somebody else's file is refused", async () => {
  const { chownSync } = await import("node:fs");
  writeFileSync(join(root, "broke.db"), "", { mode: 0o600 });
  chownSync(join(root, "broke.db"), 12_345, 12_345);
  expect(() => repairPermissions(root)).toThrow(
    expect.objectContaining({ kind: "config", message: `${join(root, "broke.db")} belongs to somebody else` }),
  );
});
