// A folder copied while somebody changes it: nothing outside it is ever read, nothing larger than allowed is written.

import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyTree } from "#harness/copy-tree.ts";

let dir = "";
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "broke-copy-")));
  mkdirSync(join(dir, "from"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const from = (...names: string[]) => join(dir, "from", ...names);
const to = (...names: string[]) => join(dir, "to", ...names);

test("a folder swapped for a link out after it was seen: what the link leads to is not copied", () => {
  mkdirSync(join(dir, "secret"));
  writeFileSync(join(dir, "secret/key"), "secret");
  mkdirSync(from("a"));
  writeFileSync(from("a/key"), "mine");
  copyTree(from(), to(), (path) => {
    if (path.toString() !== "a") return;
    rmSync(from("a"), { recursive: true });
    symlinkSync(join(dir, "secret"), from("a"));
  });
  expect(readdirSync(to("a"))).toEqual([]);
});

test("swapped again and again while it is copied", async () => {
  mkdirSync(join(dir, "secret"));
  for (let index = 0; index < 50; index++) writeFileSync(join(dir, `secret/f${index}`), "secret");
  const swap = `while :; do mkdir a 2>/dev/null && for i in 0 1 2 3 4 5 6 7 8 9; do echo mine > a/f$i; done; rm -rf a; ln -s ../secret a; rm -f a; done`;
  const child = Bun.spawn(["bash", "-c", swap], {
    cwd: from(),
    env: { PATH: "/usr/bin:/bin" },
    stdio: ["ignore", "ignore", "ignore"],
  });
  try {
    for (let round = 0; round < 150; round++) {
      try {
        copyTree(from(), to());
      } catch (error) {
        expect(error).toMatchObject({ kind: "denied" });
      }
      const found =
        existsSync(to("a")) &&
        readdirSync(join(dir, "to"), { withFileTypes: true }).some((entry) => entry.name === "a" && entry.isDirectory())
          ? readdirSync(to("a")).map((name) => readFileSync(to("a", name), "utf8"))
          : [];
      expect(found.filter((text) => text.includes("secret"))).toEqual([]);
      rmSync(to(), { recursive: true, force: true });
      await Bun.sleep(0);
    }
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
});

test("deeper than the longest path there is: refused in words", () => {
  const deep = `cd "$1" && for at in $(seq 60); do mkdir ${"e".repeat(200)} && cd ${"e".repeat(200)} || exit 1; done`;
  expect(Bun.spawnSync(["bash", "-c", deep, "bash", from()]).exitCode).toBe(0);
  expect(() => copyTree(from(), to())).toThrow("the workspace is too large to copy (folders in folders");
  Bun.spawnSync(["rm", "-rf", from(), to()]);
});

test("too many entries, too many bytes, sparse ones too", () => {
  for (let index = 0; index < 20; index++) writeFileSync(from(`f${index}`), "0123456789");
  const limits = { entries: 20, bytes: 200 };
  expect(copyTree(from(), to(), undefined, limits)).toEqual({ entries: 20, bytes: 200, leftOut: 0 });
  const again = (limit: { entries: number; bytes: number }) => {
    rmSync(to(), { recursive: true });
    return () => copyTree(from(), to(), undefined, limit);
  };
  expect(again({ entries: 19, bytes: 200 })).toThrow("the workspace is too large to copy (more than 19 entries)");
  expect(Bun.spawnSync(["truncate", "-s", "1T", from("sparse")]).success).toBe(true);
  expect(again({ entries: 30, bytes: 1e9 })).toThrow("the workspace is too large to copy (more than 1000000000 bytes)");
});

test.skipIf(process.getuid!() === 0)(
  "a folder that cannot be read is refused by name (root can read every one)",
  () => {
    mkdirSync(from("closed"), { mode: 0o000 });
    expect(() => copyTree(from(), to())).toThrow('"closed" in the workspace cannot be copied');
  },
);
