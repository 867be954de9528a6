// What a repository's own files may bring into a run from outside the workspace: objects that it borrows, and nothing that a file merely says is such.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Sight, sightOf } from "#harness/borrowed.ts";
import { borrowedBinds } from "#harness/git-skeleton.ts";
import { takeInventory } from "#harness/inventory.ts";
import { readRepository } from "#harness/repository.ts";
import { markBefore, sweepTree } from "#harness/sweep.ts";
import { noListFlags } from "#sandbox/permission-flags.ts";
import { resolveFilePermission } from "#sandbox/path-permission.ts";
import { type Bench, makeBench, runIdOf } from "#test/support/broke.ts";
import { git, put } from "#test/support/git.ts";

let dir = "";
let workspace = "";
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), "broke-borrowed-")));
  workspace = join(dir, "ws");
  for (const name of ["broke", "ws"]) mkdirSync(join(dir, name));
  commit(workspace, "f");
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function commit(folder: string, name: string): void {
  mkdirSync(folder, { recursive: true });
  git(folder, "init", "-q");
  put(folder, { [name]: `${name}\n` });
  git(folder, "add", ".");
  git(folder, "commit", "-qm", name);
}

const sight = (flags: { read?: string[]; denied?: string[] } = {}, at = workspace): Sight => {
  const lists = { ...noListFlags, allow: flags.read ?? [], deny: flags.denied ?? [] };
  const files = resolveFilePermission(lists, noListFlags, { workspace: at, brokeHomes: [join(dir, "broke")] });
  return sightOf({ workspace: at, files }, join(dir, "broke"), { HOME: dir });
};
const borrow = (...lines: string[]) =>
  put(workspace, { ".git/objects/info/alternates": lines.map((line) => `${line}\n`).join("") });
const list = () => JSON.stringify(join(workspace, ".git/objects/info/alternates"));

/** A folder that looks like a repository's to whoever asks no more than that. */
function disguise(folder: string): string {
  put(folder, { HEAD: "ref: refs/heads/main\n", key: "secret\n" });
  for (const name of ["refs", "objects"]) mkdirSync(join(folder, name), { recursive: true });
  return join(folder, "objects");
}

test("a path in quotes is what git takes it for; one that is no text cannot be carried, and is named", () => {
  const other = join(dir, "o\u00e9 r");
  commit(other, "g");
  const objects = join(other, ".git/objects");
  borrow(`"${objects.replace("\u00e9", "\\303\\251")}"`);
  expect(readRepository(sight()).objects).toEqual([join(workspace, ".git/objects"), objects]);
  const odd = Buffer.from(`${dir}/n\u00ff`, "latin1");
  renameSync(other, odd);
  writeFileSync(join(workspace, ".git/objects/info/alternates"), Buffer.concat([odd, Buffer.from("/.git/objects\n")]));
  expect(() => readRepository(sight())).toThrow('/n\\\\xff/.git/objects", whose path is not UTF-8');
});

describe("a list of borrowed objects is refused, and named, where it leads", () => {
  const cases: [string, () => [path: string, why: string, flags?: Parameters<typeof sight>[0]]][] = [
    ["to BROKE_HOME", () => [join(dir, "broke"), "is in BROKE_HOME, which no run is shown"]],
    ["into BROKE_HOME", () => [disguise(join(dir, "broke/runs/x")), "is in BROKE_HOME, which no run is shown"]],
    ["around BROKE_HOME", () => [dir, "is no folder of a repository's objects"]],
    ["to keys", () => [disguise(join(dir, ".ssh")), `is in ${JSON.stringify(join(dir, ".ssh"))}, which is shown only`]],
    ["to /proc", () => ["/proc/sys", "is never the host's own inside"]],
    ["to /dev", () => ["/dev", "is never the host's own inside"]],
    ["to a folder that is none of objects", () => [dirname(disguise(join(dir, "other"))), "is no folder of a repo"]],
    [
      "to a folder of that name in no repository",
      () => (
        mkdirSync(join(dir, "x/objects"), { recursive: true }),
        [join(dir, "x/objects"), "is no folder of a repo"]
      ),
    ],
    [
      "to what is denied",
      () => [disguise(join(dir, "other")), "is denied (--deny-read)", { denied: [join(dir, "other")] }],
    ],
    [
      "to what holds something denied",
      () => {
        const path = disguise(join(dir, "other"));
        mkdirSync(join(path, "ab"));
        return [path, "holds what no run is shown", { denied: [join(path, "ab")] }];
      },
    ],
  ];
  for (const [name, make] of cases) {
    test(name, () => {
      const [path, why, flags] = make();
      borrow(path);
      const message = expect.stringContaining(`${list()} leads to ${JSON.stringify(path)}, which ${why}`);
      const hint = expect.stringContaining("--workspace=copy");
      expect(() => readRepository(sight(flags))).toThrow(expect.objectContaining({ kind: "denied", message, hint }));
    });
  }

  test("by a link, by a relative path, and by the list of one that it borrows from", () => {
    commit(join(dir, "other"), "g");
    const keys = disguise(join(dir, ".ssh"));
    symlinkSync(keys, join(dir, "link"));
    put(join(dir, "other"), { ".git/objects/info/alternates": `${keys}\n` });
    for (const line of [join(dir, "link"), "../../../.ssh/objects", join(dir, "other/.git/objects")]) {
      borrow(line);
      expect(() => readRepository(sight())).toThrow(`leads to ${JSON.stringify(keys)}, which is in`);
    }
  });

  test("where nobody can read it, being a link", () => {
    symlinkSync("/etc/passwd", join(workspace, ".git/objects/info/alternates"));
    expect(() => readRepository(sight())).toThrow("has a list of borrowed objects that cannot be read");
  });
});

test("a `.git` and a `commondir` lead to no place that a run may not see", () => {
  const keys = dirname(disguise(join(dir, ".ssh")));
  for (const file of [".git/commondir", ".git"]) {
    if (file === ".git") rmSync(join(workspace, ".git"), { recursive: true });
    put(workspace, { [file]: `${file === ".git" ? "gitdir: " : ""}${keys}\n` });
    const message = `${JSON.stringify(join(workspace, file))} leads to ${JSON.stringify(keys)}, which is in`;
    expect(() => readRepository(sight())).toThrow(message);
  }
});

test("what is named itself may be borrowed from, and one that is not there is none", () => {
  const keys = disguise(join(dir, ".ssh"));
  borrow(keys, "/nowhere/objects");
  expect(readRepository(sight({ read: [join(dir, ".ssh")] })).objects).toEqual([join(workspace, ".git/objects"), keys]);
});

test("of a folder of objects nothing is shown but objects", () => {
  const other = join(dir, "other");
  commit(other, "g");
  const objects = join(other, ".git/objects");
  const shown = () => borrowedBinds([objects], "/landing").map(({ path, target }) => `${path} ${target}`);
  expect(shown()).toEqual([`${objects} /run/broke/objects/0`]);
  put(objects, { "info/alternates": "", key: "secret\n", "more/key": "secret\n" });
  // Which folders there are, hashes decide.
  const loose = readdirSync(objects).filter((name) => /^[0-9a-f]{2}$/.test(name));
  const free = ["fd", "fe", "ff", "00"].find((name) => !loose.includes(name))!;
  symlinkSync("/etc", join(objects, free));
  const names = new Set(shown().map((line) => line.split("/").at(-1)!));
  expect([...names].sort()).toEqual([...loose, "alternates", "info", "pack"].sort());
  rmSync(join(other, ".git/HEAD"));
  expect(shown).toThrow(`${JSON.stringify(objects)} is no folder of a repository's objects`);
});

test("the sweep takes away lists of borrowed objects that were not there, or were others", () => {
  commit(join(workspace, "nested"), "n");
  commit(join(workspace, "kept"), "k");
  commit(join(workspace, "changed"), "c");
  for (const name of ["kept", "changed"])
    put(workspace, { [`${name}/.git/objects/info/alternates`]: "/nowhere/objects\n" });
  const baseline = join(dir, "baseline.json");
  for (const look of [takeInventory, () => undefined]) {
    markBefore(baseline, takeInventory(workspace), { tree: workspace, inside: workspace, opened: [] });
    put(workspace, {
      "nested/.git/objects/info/alternates": `${dir}/broke\n`,
      "nested/.git/objects/info/http-alternates": "http://example.com/\n",
      ".git/objects/info/alternates": `${dir}/broke\n`,
      "changed/.git/objects/info/alternates": `${dir}/broke\n`,
    });
    const { swept } = sweepTree(baseline, join(dir, "quarantine"), look(workspace));
    expect(swept.map(({ path, kind, action }) => `${kind} ${path} ${action}`)).toEqual([
      "git pointer .git/objects/info/alternates quarantined",
      "git pointer changed/.git/objects/info/alternates quarantined",
      "git pointer nested/.git/objects/info/alternates quarantined",
      "git pointer nested/.git/objects/info/http-alternates quarantined",
    ]);
    expect(existsSync(join(workspace, "kept/.git/objects/info/alternates"))).toBe(true);
    put(workspace, { "changed/.git/objects/info/alternates": "/nowhere/objects\n" });
  }
});

describe("through the launcher", () => {
  const run = (bench: Bench, cwd: string, script: string, ...options: string[]) =>
    bench.broke(["harness", "run", "--client", "exec", "--workspace=worktree", ...options, "--", "sh", "-c", script], {
      cwd,
    });

  test("no run begins whose repository borrows from BROKE_HOME", async () => {
    using bench = makeBench();
    commit(bench.workspace, "f");
    await bench.broke(["status"]);
    put(bench.workspace, { ".git/objects/info/alternates": `${bench.home}\n` });
    for (const options of [[], ["--sandbox", "hardened"]]) {
      const ran = await run(bench, bench.workspace, "cat /run/broke/objects/*/*", ...options);
      expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 4, stdout: "" });
      expect(ran.stderr).toContain(`leads to ${JSON.stringify(bench.home)}, which is in BROKE_HOME`);
    }
  });

  test("shared clones, references, linked worktrees and submodules work as before, strays among the objects unseen", async () => {
    using bench = makeBench();
    const base = bench.env["HOME"]!;
    const at = (name: string) => join(base, name);
    commit(at("origin"), "f");
    git(base, "clone", "-q", "--shared", "origin", "shared");
    git(base, "clone", "-q", "--reference", "shared", "origin", "reference");
    git(at("origin"), "worktree", "add", "-q", "../linked");
    commit(at("super"), "s");
    git(at("super"), "-c", "protocol.file.allow=always", "submodule", "add", "-q", at("origin"), "sub");
    writeFileSync(join(base, "origin/.git/objects/tmp_obj_x"), "stray\n");
    for (const name of ["shared", "reference", "linked", "super/sub"]) {
      const script = "ls /run/broke/objects/*/tmp_obj_x 2>/dev/null; git log --format=%s && cat f && echo n > n";
      const ran = await run(bench, at(name), script);
      expect({ name, code: ran.code, stdout: ran.stdout, stderr: ran.stderr }).toEqual({
        ...{ name, code: 0, stdout: "f\nf\n", stderr: expect.stringContaining(" ACCEPT exit 0") },
      });
      expect(git(at(name), "show", `refs/broke/runs/${runIdOf(ran)}:n`)).toBe("n");
    }
  });
});
