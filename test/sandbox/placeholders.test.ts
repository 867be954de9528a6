// Stand-ins for names a workspace does not have: there during a run, gone after it, and never anything of anybody else's gone with them.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makePlaceholders, removePlaceholders } from "#sandbox/placeholders.ts";
import { findProtected } from "#sandbox/protected.ts";

let folder = "";
let root = "";
let journal = "";

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "broke-placeholders-")));
  root = join(folder, "work");
  journal = join(folder, "placeholders.json");
  mkdirSync(root);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const missing = [
  { path: ".npmrc", kind: "file" as const },
  { path: ".vscode", kind: "dir" as const },
  { path: ".claude/settings.json", kind: "file" as const },
  { path: ".claude/hooks", kind: "dir" as const },
];
const made = [".claude", ".npmrc", ".vscode", ".claude/hooks", ".claude/settings.json"];

/** Every path below the workspace with what it is: its permissions, and a file's text. */
function listing(): Record<string, string> {
  const paths = (readdirSync(root, { recursive: true }) as string[]).sort();
  const look = (path: string) => {
    const stat = lstatSync(join(root, path));
    const mode = (stat.mode & 0o777).toString(8);
    return stat.isFile()
      ? `file ${mode} ${readFileSync(join(root, path), "utf8")}`
      : stat.isDirectory()
        ? `dir ${mode}`
        : "other";
  };
  return Object.fromEntries(paths.map((path) => [path, look(path)]));
}

const rewrite = (change: (entry: { path: string; ino: number | null }) => number | null) => {
  const text = JSON.parse(readFileSync(journal, "utf8"));
  for (const entry of text.made) entry.ino = change(entry);
  writeFileSync(journal, JSON.stringify(text));
};

test("made empty and read-only, parents first, and all gone afterwards", () => {
  expect(makePlaceholders(root, missing, journal)).toEqual(made);
  expect(listing()).toEqual({
    ".claude": "dir 755",
    ".claude/hooks": "dir 755",
    ".claude/settings.json": "file 444 ",
    ".npmrc": "file 444 ",
    ".vscode": "dir 755",
  });
  removePlaceholders(journal);
  expect([listing(), existsSync(journal)]).toEqual([{}, false]);
});

test("the journal says what was made, and is private", () => {
  makePlaceholders(root, missing, journal);
  const entry = (path: string) => {
    const stat = lstatSync(join(root, path));
    return { path, kind: stat.isDirectory() ? "dir" : "file", ino: stat.ino };
  };
  expect(JSON.parse(readFileSync(journal, "utf8"))).toEqual({ root, made: made.map(entry) });
  expect(lstatSync(journal).mode & 0o777).toBe(0o600);
});

test("with the names a real workspace misses, nested repositories included, it ends as it began", () => {
  mkdirSync(join(root, "vendor/sub/.git"), { recursive: true });
  mkdirSync(join(root, ".github"));
  writeFileSync(join(root, "vendor/sub/.git/config"), "[core]\n");
  const before = listing();
  const wanted = findProtected(root);
  makePlaceholders(root, wanted.missing, journal);
  expect(findProtected(root).missing).toEqual([]);
  removePlaceholders(journal);
  expect(listing()).toEqual(before);
});

test("nothing missing, nothing made", () => {
  expect(makePlaceholders(root, [], journal)).toEqual([]);
  removePlaceholders(journal);
  expect(listing()).toEqual({});
});

test("removing again, and removing without a journal, does nothing", () => {
  makePlaceholders(root, missing, journal);
  removePlaceholders(journal);
  writeFileSync(join(root, ".npmrc"), "", { mode: 0o444 });
  removePlaceholders(journal);
  removePlaceholders(join(folder, "never"));
  expect(listing()).toEqual({ ".npmrc": "file 444 " });
});

describe("what is not exactly ours any more stays", () => {
  const cases: [string, () => void, Record<string, string>][] = [
    [
      "a file with content",
      () => {
        chmodSync(join(root, ".npmrc"), 0o644);
        writeFileSync(join(root, ".npmrc"), "mine");
      },
      { ".npmrc": "file 644 mine" },
    ],
    [
      "a file with content, its permissions put back",
      () => {
        chmodSync(join(root, ".npmrc"), 0o644);
        writeFileSync(join(root, ".npmrc"), "mine");
        chmodSync(join(root, ".npmrc"), 0o444);
      },
      { ".npmrc": "file 444 mine" },
    ],
    ["a file with other permissions", () => chmodSync(join(root, ".npmrc"), 0o644), { ".npmrc": "file 644 " }],
    [
      "another file of the same look",
      () => {
        renameSync(join(root, ".npmrc"), join(folder, "aside"));
        writeFileSync(join(root, ".npmrc"), "", { mode: 0o444 });
      },
      { ".npmrc": "file 444 " },
    ],
    [
      "a folder with something in it, and the folders above",
      () => writeFileSync(join(root, ".claude/hooks/own"), "mine", { mode: 0o600 }),
      { ".claude": "dir 755", ".claude/hooks": "dir 755", ".claude/hooks/own": "file 600 mine" },
    ],
    [
      "a link in a file's place",
      () => {
        unlinkSync(join(root, ".npmrc"));
        symlinkSync("nowhere", join(root, ".npmrc"));
      },
      { ".npmrc": "other" },
    ],
    [
      "a folder in a file's place",
      () => {
        renameSync(join(root, ".npmrc"), join(folder, "aside"));
        mkdirSync(join(root, ".npmrc"), 0o755);
      },
      { ".npmrc": "dir 755" },
    ],
    ["something already gone", () => rmdirSync(join(root, ".vscode")), {}],
    [
      "a file in the place of the folder above",
      () => {
        rmSync(join(root, ".claude"), { recursive: true });
        writeFileSync(join(root, ".claude"), "mine", { mode: 0o600 });
      },
      { ".claude": "file 600 mine" },
    ],
  ];
  for (const [name, change, left] of cases) {
    test(name, () => {
      makePlaceholders(root, missing, journal);
      change();
      removePlaceholders(journal);
      expect([listing(), existsSync(journal)]).toEqual([left, false]);
    });
  }
});

describe("after a crash", () => {
  test("before anything was made, and the names are somebody's by now", () => {
    makePlaceholders(root, missing, journal);
    const text = readFileSync(journal, "utf8");
    removePlaceholders(journal);
    writeFileSync(journal, text);
    rewrite(() => null);
    writeFileSync(join(root, ".npmrc"), "registry settings", { mode: 0o644 });
    mkdirSync(join(root, ".vscode"));
    writeFileSync(join(root, ".vscode/tasks.json"), "{}", { mode: 0o644 });
    const before = listing();
    removePlaceholders(journal);
    expect([listing(), existsSync(journal)]).toEqual([before, false]);
  });

  test("while they were being made: no inode was written down yet", () => {
    makePlaceholders(root, missing, journal);
    unlinkSync(join(root, ".claude/settings.json"));
    rewrite(() => null);
    removePlaceholders(journal);
    expect([listing(), existsSync(journal)]).toEqual([{}, false]);
  });

  test("while they were being removed: the journal is still there", () => {
    makePlaceholders(root, missing, journal);
    rmdirSync(join(root, ".claude/hooks"));
    unlinkSync(join(root, ".claude/settings.json"));
    removePlaceholders(journal);
    removePlaceholders(journal);
    expect([listing(), existsSync(journal)]).toEqual([{}, false]);
  });
});

describe("a name that cannot be made is refused, and what was made can be taken away", () => {
  const cases: [string, () => void][] = [
    ["a file where a folder is needed", () => writeFileSync(join(root, ".claude"), "mine")],
    ["a file that appeared meanwhile", () => writeFileSync(join(root, ".npmrc"), "mine")],
    ["a dangling link that appeared meanwhile", () => symlinkSync("../escaped", join(root, ".npmrc"))],
  ];
  for (const [name, plant] of cases) {
    test(name, () => {
      plant();
      const before = listing();
      expect(() => makePlaceholders(root, missing, journal)).toThrow(
        expect.objectContaining({ kind: "denied", message: expect.stringContaining("in the workspace") }),
      );
      removePlaceholders(journal);
      expect([listing(), existsSync(join(folder, "escaped"))]).toEqual([before, false]);
    });
  }
});

test("a journal that is not ours to understand removes nothing", () => {
  makePlaceholders(root, missing, journal);
  const before = listing();
  for (const text of [
    '{"root":"/"}',
    '{"root":1,"made":[]}',
    '{"root":"/","made":[{"path":"x","kind":"link","ino":1}]}',
  ]) {
    writeFileSync(journal, text);
    expect(() => removePlaceholders(journal)).toThrow();
  }
  expect(listing()).toEqual(before);
});

test("a workspace that became a link: nothing is made where it leads", () => {
  const elsewhere = join(folder, "elsewhere");
  mkdirSync(elsewhere);
  rmSync(root, { recursive: true });
  symlinkSync(elsewhere, root);
  expect(() => makePlaceholders(root, missing, journal)).toThrow(expect.objectContaining({ kind: "denied" }));
  expect(readdirSync(elsewhere)).toEqual([]);
});
