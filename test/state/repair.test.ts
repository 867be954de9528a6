// What lies in BROKE_HOME is made private and said; what is not ours to make so is refused.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openState } from "#src/cli/compose.ts";
import { makeBench } from "#test/support/broke.ts";
import { openDatabase } from "#src/state/database.ts";
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

test("a home that cannot be made, and one that cannot be written to, is said with a way on; nothing is told to be moved away", async () => {
  using bench = makeBench();
  const said = async (command: string) => {
    const env = { BROKE_HOME: join(root, "file", "home") };
    const { code, stdout, stderr } = await bench.broke(command.split(" "), { env });
    return { code, stdout, stderr: stderr.replace(env.BROKE_HOME, "HOME") };
  };
  writeFileSync(join(root, "file"), "");
  for (const command of ["list", "harness run", "init"]) {
    expect(await said(command)).toEqual({
      code: 3,
      stdout: "",
      stderr:
        "broke: the folder HOME cannot be made (ENOTDIR)\nbroke: set BROKE_HOME to a folder that you may write to\n",
    });
  }
  openDatabase(openHome({ BROKE_HOME: join(root, "home") })).close();
  const sealed = Bun.spawnSync(
    [
      ...["/usr/bin/bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--"],
      ...[join(import.meta.dir, "../../shims/broke"), "list"],
    ],
    { env: { BROKE_HOME: join(root, "home") } },
  );
  expect([sealed.exitCode, sealed.stderr.toString()]).toEqual([
    3,
    `broke: ${join(root, "home", "broke.db")} cannot be written to\nbroke: BROKE_HOME must be a folder that you may write to, with room left\n`,
  ]);
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

test("a database that is open stays ours: its locks outlive a look at its permissions, so another process's coming and going takes nothing away", async () => {
  using bench = makeBench();
  const open = openState({ BROKE_HOME: bench.home });
  open.generations.commit("first", (routing) => ({ ...routing, silenceMs: 1_000 }));
  openHome({ BROKE_HOME: bench.home });
  const logged = statSync(join(bench.home, "broke.db-wal")).ino;
  // It would be the last to close, and so take the log away, if nobody held it.
  expect((await bench.broke(["list"])).code).toBe(0);
  expect(statSync(join(bench.home, "broke.db-wal")).ino).toBe(logged);
  open.generations.commit("second", (routing) => ({ ...routing, silenceMs: 2_000 }));
  expect(JSON.parse((await bench.broke(["settings", "--json"])).stdout)).toMatchObject({
    generation: 2,
    silenceMs: 2_000,
  });
});
