// A tree before and after: its hash, and the diff of what became of it, which git itself takes.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diffTree } from "#harness/evidence/diff.ts";
import { hashAgain, SNAPSHOT_LIMITS, takeSnapshot } from "#harness/evidence/snapshot.ts";
import { findDifferences, type Inventory, takeInventory } from "#harness/inventory.ts";
import { hashTree } from "#harness/tree-hash.ts";

let root: string;
const at = (path: string) => join(root, path);
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "broke-snapshot-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** The tree filled, looked at, changed and looked at again. */
function changed(fill: () => void, change: () => void) {
  fill();
  const before = takeInventory(root);
  const start = takeSnapshot(root, before);
  const hash = hashTree(root);
  change();
  const after = takeInventory(root);
  const diff = diffTree(root, start, findDifferences(before, after).found);
  return { start, hash, again: hashAgain(root, start, before, after), now: hashTree(root), diff };
}

test("is hashed as the whole tree is, before and again, though only what changed is read anew", () => {
  const seen = changed(
    () => {
      mkdirSync(at("d"));
      mkdirSync(at(".git"));
      writeFileSync(at(".git/HEAD"), "ref");
      writeFileSync(at("d/f"), "one");
      writeFileSync(at("big"), Buffer.alloc(600_000, 7));
      writeFileSync(at("empty"), "");
      symlinkSync("d/f", at("link"));
    },
    () => {
      writeFileSync(at("d/f"), "two");
      chmodSync(at("empty"), 0o755);
      writeFileSync(at(".git/HEAD"), "other");
    },
  );
  expect([seen.start.sha256, seen.again]).toEqual([seen.hash, seen.now]);
  expect(seen.hash).not.toBe(seen.now);
  expect([...seen.start.texts].sort()).toEqual([
    ["d/f", "one"],
    ["empty", ""],
  ]);
});

test("a tree that is too large, or not to be looked at whole, is not read, and has no hash", () => {
  writeFileSync(at("f"), "x");
  const small = takeInventory(root);
  const large: Inventory = {
    ...small,
    entries: new Map([["f", { ...small.entries.get("f")!, size: SNAPSHOT_LIMITS.bytes + 1 }]]),
  };
  for (const inventory of [large, { ...small, complete: false }]) {
    const start = takeSnapshot(root, inventory);
    expect([start.sha256, start.texts.size, hashAgain(root, start, inventory, small)]).toEqual([
      undefined,
      0,
      undefined,
    ]);
  }
});

describe("the diff", () => {
  test("is in git's form: created, deleted, changed, of another mode, a link; git takes it back", () => {
    const fill = () => {
      writeFileSync(at("changed"), "one\ntwo\nthree\n");
      writeFileSync(at("gone"), "gone\n");
      writeFileSync(at("mode"), "m\n");
      symlinkSync("gone", at("link"));
    };
    const { diff } = changed(fill, () => {
      writeFileSync(at("changed"), "one\n2\nthree\n");
      unlinkSync(at("gone"));
      chmodSync(at("mode"), 0o755);
      unlinkSync(at("link"));
      symlinkSync("changed", at("link"));
      writeFileSync(at("made"), "made");
    });
    expect(diff.text.split("\n").filter((line) => /^(diff|new|old|deleted|[-+][^-+])/.test(line))).toEqual([
      ...["diff --git a/changed b/changed", "-two", "+2"],
      ...["diff --git a/gone b/gone", "deleted file mode 100644", "-gone"],
      ...["diff --git a/link b/link", "-gone", "+changed"],
      ...["diff --git a/made b/made", "new file mode 100644", "+made"],
      ...["diff --git a/mode b/mode", "old mode 100644", "new mode 100755"],
    ]);
    const apply = (...words: string[]) =>
      Bun.spawnSync(["git", "apply", ...words, "-"], {
        cwd: root,
        stdin: Buffer.from(diff.text),
        env: { PATH: "/usr/bin:/bin" },
      });
    expect(apply("-R").stderr.toString()).toBe("");
    expect(readFileSync(at("changed"), "utf8") + readFileSync(at("gone"), "utf8")).toBe("one\ntwo\nthree\ngone\n");
  });

  test("git applies it, forth and back, whatever stands between and however names are spelled", () => {
    const names = ["sp ace", 'qu"ote', "back\\slash", "tab\there", "línea", "b/nested c"];
    const fill = () => {
      mkdirSync(at("b"));
      for (const name of names) writeFileSync(at(name), "one\n");
      writeFileSync(at("a-binary"), "a\0b");
      writeFileSync(at("a-touched"), "same\n");
      writeFileSync(at("to-link"), "text\n");
      symlinkSync("sp ace", at("to-file"));
    };
    const { diff } = changed(fill, () => {
      for (const name of names) writeFileSync(at(name), "two\n");
      writeFileSync(at("a-binary"), "a\0c");
      writeFileSync(at("a-touched"), "same\n");
      unlinkSync(at("to-link"));
      symlinkSync("línea", at("to-link"));
      unlinkSync(at("to-file"));
      writeFileSync(at("to-file"), "now text");
      writeFileSync(at("z-empty"), "");
    });
    const apply = (...words: string[]) =>
      Bun.spawnSync(["git", "apply", ...words, "-"], {
        cwd: root,
        stdin: Buffer.from(diff.text),
        env: { PATH: "/usr/bin:/bin" },
      }).stderr.toString();
    const read = () => [
      ...names.map((name) => readFileSync(at(name), "utf8")),
      lstatSync(at("to-link")).isSymbolicLink(),
      lstatSync(at("to-file")).isSymbolicLink(),
      existsSync(at("z-empty")),
    ];
    const [old, fresh] = [names.map(() => "one\n"), names.map(() => "two\n")];
    expect([apply("-R"), read()]).toEqual(["", [...old, false, true, false]]);
    expect([apply(), read()]).toEqual(["", [...fresh, true, false, true]]);
    expect(diff.text).not.toContain("a-touched");
  });

  test("names what is no text, is too large or has the name of a secret, and shows none of it", () => {
    const { diff, start } = changed(
      () => {
        writeFileSync(at(".env"), "KEY=before");
        writeFileSync(at("data"), "a\0b");
        writeFileSync(at("large"), "x\n".repeat(200_000));
      },
      () => {
        for (const name of [".env", "data", "large", ".env.local"]) writeFileSync(at(name), `after ${name}\n`);
      },
    );
    expect(
      diff.text
        .split("\n")
        .filter((line) => line.startsWith("Not shown"))
        .sort(),
    ).toEqual([
      ...[".env", ".env.local", "data", "large"].map((name) => `Not shown, as it is no text or too large: ${name}`),
    ]);
    expect([diff.text.match(/before|after/g), start.texts.size]).toEqual([null, 0]);
  });

  test("a name that ends a line, or a header, stays inside its own", () => {
    const { diff } = changed(
      () => {},
      () => writeFileSync(at('x\ndiff --git a b" '), "y"),
    );
    expect(diff.text.match(/^diff --git/gm)).toHaveLength(1);
  });

  test("never follows a link that a worker put where a file was", () => {
    const { diff } = changed(
      () => {
        mkdirSync(at("d"));
        writeFileSync(at("d/f"), "inside\n");
      },
      () => {
        renameSync(at("d"), at("e"));
        symlinkSync("/etc", at("d"));
      },
    );
    expect(diff.text).not.toContain("root:");
  });

  test("of two texts that take long to compare is bounded in time", () => {
    const words = (seed: number) => Array.from({ length: 30_000 }, (_, line) => `${(line * seed) % 7919}`).join("\n");
    const began = performance.now();
    const { diff } = changed(
      () => Array.from({ length: 40 }, (_, n) => writeFileSync(at(`f${n}`), words(3 + n))),
      () => Array.from({ length: 40 }, (_, n) => writeFileSync(at(`f${n}`), words(1009 + n))),
    );
    expect(performance.now() - began).toBeLessThan(20_000);
    expect(diff.files).toBe(40);
    expect(diff.omitted).toBeGreaterThan(0);
  });
});
