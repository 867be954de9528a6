// What changed in a workspace between two looks, told from lstat and content, never through a link.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Change, compareInventories, type Inventory, takeInventory } from "#harness/inventory.ts";
import * as libc from "#sandbox/libc.ts";

let root = "";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "broke-inventory-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const at = (path: string) => join(root, path);
const write = (path: string, text: string) => writeFileSync(at(path), text, { mode: 0o644 });
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** What `act` changes, in a workspace that holds a bit of everything. */
function changesOf(act: () => void) {
  mkdirSync(at("src/deep"), { recursive: true });
  mkdirSync(at("empty"));
  write("readme", "one");
  write("src/code", "two");
  write("src/deep/more", "three");
  symlinkSync("readme", at("link"));
  const before = takeInventory(root);
  act();
  return compareInventories(root, before, takeInventory(root));
}

const file = (path: string, change: Change["change"], text: string): Change => ({
  ...{ path, change, kind: "file", size: Buffer.byteLength(text), target: null },
  sha256: change === "deleted" ? null : sha256(text),
});
const folder = (path: string, change: Change["change"]): Change => ({
  ...{ path, change, kind: "dir", size: 0, sha256: null, target: null },
});
const link = (path: string, change: Change["change"], target: string): Change => ({
  ...{ path, change, kind: "link", size: target.length, sha256: null },
  target: change === "deleted" ? null : target,
});

const cases: [string, () => void, Change[]][] = [
  ["nothing", () => {}, []],
  ["a new file", () => write("src/new", "text"), [file("src/new", "created", "text")]],
  ["a new empty file", () => write("new", ""), [file("new", "created", "")]],
  [
    "a new folder with something in it",
    () => {
      mkdirSync(at("a/b"), { recursive: true });
      write("a/b/c", "x");
    },
    [folder("a", "created"), folder("a/b", "created"), file("a/b/c", "created", "x")],
  ],
  ["other content", () => write("src/code", "twos"), [file("src/code", "modified", "twos")]],
  ["other content of the same size", () => write("src/code", "TWO"), [file("src/code", "modified", "TWO")]],
  [
    "other content with the old time put back",
    () => {
      const { atime, mtime } = lstatSync(at("src/code"));
      write("src/code", "TWO");
      utimesSync(at("src/code"), atime, mtime);
    },
    [file("src/code", "modified", "TWO")],
  ],
  [
    "another file of the same content in its place",
    () => {
      write("aside", "two");
      renameSync(at("aside"), at("src/code"));
    },
    [file("src/code", "modified", "two")],
  ],
  ["permissions of a file", () => chmodSync(at("readme"), 0o755), [file("readme", "modified", "one")]],
  ["permissions of a folder", () => chmodSync(at("src"), 0o700), [folder("src", "modified")]],
  ["a file deleted", () => unlinkSync(at("src/deep/more")), [file("src/deep/more", "deleted", "three")]],
  [
    "a folder deleted",
    () => rmSync(at("src"), { recursive: true }),
    [
      folder("src", "deleted"),
      file("src/code", "deleted", "two"),
      folder("src/deep", "deleted"),
      file("src/deep/more", "deleted", "three"),
    ],
  ],
  [
    "a file renamed",
    () => renameSync(at("readme"), at("README")),
    [file("README", "created", "one"), file("readme", "deleted", "one")],
  ],
  [
    "a folder renamed",
    () => renameSync(at("src/deep"), at("src/low")),
    [
      folder("src/deep", "deleted"),
      file("src/deep/more", "deleted", "three"),
      folder("src/low", "created"),
      file("src/low/more", "created", "three"),
    ],
  ],
  [
    "a new link, which is not followed",
    () => symlinkSync("/etc/passwd", at("secrets")),
    [link("secrets", "created", "/etc/passwd")],
  ],
  [
    "a link that leads elsewhere now",
    () => {
      unlinkSync(at("link"));
      symlinkSync("/etc/shadow", at("link"));
    },
    [link("link", "modified", "/etc/shadow")],
  ],
  ["a link deleted", () => unlinkSync(at("link")), [link("link", "deleted", "readme")]],
  [
    "a file that became a link",
    () => {
      unlinkSync(at("readme"));
      symlinkSync("src/code", at("readme"));
    },
    [link("readme", "modified", "src/code")],
  ],
  [
    "a file that became a folder",
    () => {
      unlinkSync(at("readme"));
      mkdirSync(at("readme"));
    },
    [folder("readme", "modified")],
  ],
  [
    "a folder that became a link to a folder outside",
    () => {
      rmSync(at("empty"), { recursive: true });
      symlinkSync("/etc", at("empty"));
    },
    [link("empty", "modified", "/etc")],
  ],
  [
    "a second name for a file: its count of names moved its ctime",
    () => linkSync(at("readme"), at("twin")),
    [file("readme", "modified", "one"), file("twin", "created", "one")],
  ],
  [
    "odd names",
    () => {
      write("line\nbreak", "x");
      write("-rf ~", "y");
    },
    [file("-rf ~", "created", "y"), file("line\nbreak", "created", "x")],
  ],
];

describe("changes", () => {
  for (const [name, act, changes] of cases) {
    test(name, () => {
      expect(changesOf(act)).toEqual({ changes, total: changes.length, inRepositories: 0, linked: 0, complete: true });
    });
  }

  test("a file with other names, written in place, is counted: they may be anywhere", () => {
    write("store", "shared");
    linkSync(at("store"), at("one"));
    linkSync(at("store"), at("two"));
    const { linked, total } = changesOf(() => {
      write("one", "poisoned");
      rmSync(at("two"));
      writeFileSync(at("fresh"), "x");
    });
    // `store` and `one` are the same file, by two names that are both here.
    expect({ linked, total }).toEqual({ linked: 2, total: 4 });
    const before = takeInventory(root);
    rmSync(at("one"));
    write("one", "anew");
    const { changes, linked: again } = compareInventories(root, before, takeInventory(root));
    expect([changes.map(({ path }) => path), again]).toEqual([["one", "store"], 1]);
  });

  test("what makes git run something is listed, its samples and the rest of its own are not", () => {
    const { changes, inRepositories } = changesOf(() => {
      for (const path of [
        "config",
        "hooks/post-checkout",
        "hooks/a.sample",
        "HEAD",
        "info/attributes",
        "modules/x/config",
      ]) {
        mkdirSync(dirname(at(`new/.git/${path}`)), { recursive: true });
        write(`new/.git/${path}`, "x");
      }
    });
    expect(changes.map(({ path }) => path)).toEqual([
      ...["new", "new/.git", "new/.git/config", "new/.git/hooks/post-checkout"],
      ...["new/.git/info/attributes", "new/.git/modules/x/config"],
    ]);
    // HEAD, the sample, and the folders.
    expect(inRepositories).toBe(6);
  });

  test("a pipe is named and never opened", () => {
    expect(changesOf(() => libc.makePipe(at("pipe"))).changes).toEqual([
      { path: "pipe", change: "created", kind: "other", size: 0, sha256: null, target: null },
    ]);
  });

  test("a file of 16 MiB is hashed, a larger one is not read", () => {
    const limit = 16 * 1024 * 1024;
    const { changes } = changesOf(() => {
      for (const [name, size] of [
        ["fits", limit],
        ["large", limit + 1],
        ["huge", 1024 * limit],
      ] as const) {
        write(name, "");
        truncateSync(at(name), size);
      }
    });
    const created = { change: "created", kind: "file", target: null } as const;
    expect(changes).toEqual([
      { path: "fits", ...created, size: limit, sha256: createHash("sha256").update(Buffer.alloc(limit)).digest("hex") },
      { path: "huge", ...created, size: 1024 * limit, sha256: null },
      { path: "large", ...created, size: limit + 1, sha256: null },
    ]);
  });

  test("git's own bookkeeping is counted, at any depth; its configuration and hooks are listed, and a .gitignore", () => {
    const changed = changesOf(() => {
      mkdirSync(at(".git/hooks"), { recursive: true });
      mkdirSync(at("src/deep/.git"));
      write(".git/config", "x");
      write(".git/hooks/pre-commit", "x");
      write("src/deep/.git/HEAD", "x");
      write(".gitignore", "x");
      write("src/.gitmodules", "x");
    });
    expect({ ...changed, changes: changed.changes.map(({ path }) => path) }).toEqual({
      changes: [
        ...[".git", ".git/config", ".git/hooks/pre-commit", ".gitignore", "src/.gitmodules"],
        ...["src/deep/.git"],
      ],
      total: 6,
      inRepositories: 2,
      linked: 0,
      complete: true,
    });
  });

  test("the list ends at 500, the total does not", () => {
    const { changes, total } = changesOf(() => {
      for (let index = 0; index < 620; index++) write(`file-${String(index).padStart(4, "0")}`, "");
    });
    expect([changes.length, changes[0]?.path, changes.at(-1)?.path, total]).toEqual([
      ...[500, "file-0000", "file-0499", 620],
    ]);
  });
});

test("a second look without a change is the same", () => {
  write("a", "x");
  mkdirSync(at("d"));
  write("d/b", "y");
  expect(takeInventory(root)).toEqual(takeInventory(root));
  expect([...takeInventory(root).entries.keys()].sort()).toEqual(["a", "d", "d/b"]);
});

test("links out of the workspace and in circles are entries, not ways", () => {
  symlinkSync("/", at("everything"));
  symlinkSync(".", at("again"));
  symlinkSync("nowhere", at("dangling"));
  expect([...takeInventory(root).entries].map(([path, { kind }]) => [path, kind]).sort()).toEqual([
    ["again", "link"],
    ["dangling", "link"],
    ["everything", "link"],
  ]);
});

test("a look that was cut short on either side makes the comparison incomplete", () => {
  const look = (complete: boolean): Inventory => ({ entries: new Map(), complete, bytes: 0 });
  const complete = (before: boolean, after: boolean) => compareInventories(root, look(before), look(after)).complete;
  expect([complete(true, true), complete(false, true), complete(true, false), complete(false, false)]).toEqual([
    ...[true, false, false, false],
  ]);
});

test("a file that is gone, or a link by now, when its content is to be read", () => {
  const before = takeInventory(root);
  write("gone", "x");
  write("swapped", "y");
  const after = takeInventory(root);
  unlinkSync(at("gone"));
  unlinkSync(at("swapped"));
  symlinkSync("/etc/passwd", at("swapped"));
  expect(compareInventories(root, before, after).changes.map(({ path, sha256: hash }) => [path, hash])).toEqual([
    ["gone", null],
    ["swapped", null],
  ]);
});
