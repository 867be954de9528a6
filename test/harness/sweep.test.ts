// The sweep itself, for what no profile lets a worker make: bits that raise privileges, devices; and that what is known is left alone.

import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { takeInventory } from "#harness/inventory.ts";
import { markBefore, type Sweep, sweepTree, sweepWarnings } from "#harness/sweep.ts";

let dir = "";
let tree = "";
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "broke-sweep-")));
  tree = join(dir, "tree");
  mkdirSync(tree);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const paths = () => [join(dir, "baseline.json"), join(dir, "quarantine")] as const;
const mark = () => markBefore(paths()[0], takeInventory(tree), { tree, inside: "/work", opened: [] });
const brief = ({ swept }: Sweep) => swept.map(({ kind, path, action }) => `${kind} ${path} ${action}`);

for (const [way, look] of [
  ["the inventory", () => takeInventory(tree)],
  ["a look of its own", () => undefined],
] as const) {
  test(`setuid and setgid come off files, by ${way}; what had them before keeps them`, () => {
    const file = (name: string, mode: number) => {
      writeFileSync(join(tree, name), "x");
      chmodSync(join(tree, name), mode);
    };
    file("was", 0o4755);
    mark();
    file("u", 0o4711);
    file("g", 0o2755);
    mkdirSync(join(tree, "d"));
    chmodSync(join(tree, "d"), 0o2755);
    expect(brief(sweepTree(...paths(), look()))).toEqual([
      "setuid or setgid g bits cleared",
      "setuid or setgid u bits cleared",
    ]);
    const modes = ["was", "u", "g", "d"].map((name) => statSync(join(tree, name)).mode & 0o7777);
    expect(modes).toEqual([0o4755, 0o711, 0o755, 0o2755]);
  });
}

test.skipIf(process.getuid!() !== 0)("devices (only root makes one)", () => {
  mark();
  expect(Bun.spawnSync(["mknod", join(tree, "null"), "c", "1", "3"]).success).toBe(true);
  expect(brief(sweepTree(...paths()))).toEqual(["device null quarantined"]);
});

test("a configuration that ran something before is known by what it runs, and swept when it runs more", () => {
  const git = (...args: string[]) =>
    Bun.spawnSync(["git", "-C", tree, ...args], { env: { PATH: "/usr/bin:/bin", HOME: dir } });
  git("init", "-q");
  git("config", "core.editor", "vim");
  mark();
  git("config", "user.name", "x");
  expect(brief(sweepTree(...paths()))).toEqual([]);
  mark();
  git("config", "core.editor", "vim; touch x");
  expect(brief(sweepTree(...paths()))).toEqual(["git configuration .git/config quarantined"]);
});

test("a submodule's repository may say where its files are, but only in the workspace", () => {
  mark();
  for (const [name, worktree] of [
    ["in", "../../../in"],
    ["out", "../../../../../out"],
  ]) {
    const folder = join(tree, ".git/modules", name!);
    for (const part of ["objects", "refs"]) mkdirSync(join(folder, part), { recursive: true });
    writeFileSync(join(folder, "HEAD"), "ref: refs/heads/x\n");
    writeFileSync(join(folder, "config"), `[core]\n\tworktree = ${worktree}\n`);
  }
  expect(brief(sweepTree(...paths()))).toEqual(["git configuration .git/modules/out/config quarantined"]);
});

test("a folder swapped for a link between look and act: nothing where it leads is touched", () => {
  const outside = join(dir, "outside");
  mkdirSync(join(outside, "hooks"), { recursive: true });
  writeFileSync(join(outside, "hooks/pre-push"), "mine");
  mark();
  for (const part of ["hooks", "objects", "refs"]) mkdirSync(join(tree, "a/.git", part), { recursive: true });
  writeFileSync(join(tree, "a/.git/HEAD"), "ref: refs/heads/x\n");
  writeFileSync(join(tree, "a/.git/hooks/pre-push"), "x");
  const after = takeInventory(tree);
  rmSync(join(tree, "a/.git"), { recursive: true });
  symlinkSync(outside, join(tree, "a/.git"));
  expect(brief(sweepTree(...paths(), after))).toEqual(["git hook a/.git/hooks/pre-push left"]);
  expect(readdirSync(join(outside, "hooks"))).toEqual(["pre-push"]);
  expect(lstatSync(join(tree, "a/.git")).isSymbolicLink()).toBe(true);
});

test("a second sweep, and one without a beginning, find nothing", () => {
  expect(sweepTree(...paths())).toEqual({ swept: [], total: 0, unread: [] });
  mark();
  symlinkSync("x", join(tree, ".vscode"));
  expect(sweepTree(...paths()).total).toBe(1);
  symlinkSync("x", join(tree, ".vscode"));
  expect(sweepTree(...paths()).total).toBe(0);
});

test("what a verdict says is bounded and shows names as data", () => {
  const item = { path: 'a"\n', kind: "pipe" as const, detail: null, action: "quarantined" as const, as: null };
  expect(sweepWarnings({ swept: [item, item, item, item], total: 4, unread: ["x"] })).toEqual([
    `the sweep found what would run by itself: ${Array(3).fill('pipe "a\\"\\n" quarantined').join(", ")}, 1 more`,
    "1 folders could not be read, and nobody knows what is in them",
  ]);
});
