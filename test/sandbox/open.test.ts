// What will be mounted is reached without a symbolic link and never outside the folder it was looked for in.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSame, openBeneath, openSame } from "#sandbox/open.ts";

let root = "";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "broke-open-")));
  mkdirSync(join(root, "work/a b\nc/d"), { recursive: true });
  mkdirSync(join(root, "outside"));
  writeFileSync(join(root, "work/file"), "x");
  symlinkSync("file", join(root, "work/to-file"));
  symlinkSync("a b\nc", join(root, "work/to-folder"));
  symlinkSync("../outside", join(root, "work/to-outside"));
  symlinkSync("work", join(root, "alias"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Opens and tells what the descriptor stands for. */
function opened(
  beneath: string | undefined,
  path: string,
): { target: string; mayBeRead: boolean; staysOnExec: boolean } {
  const fd = openBeneath(beneath, path);
  try {
    const flags = parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1]!, 8);
    return {
      target: readlinkSync(`/proc/self/fd/${fd}`),
      mayBeRead: (flags & 0o10000000) === 0,
      staysOnExec: (flags & 0o2000000) === 0,
    };
  } finally {
    closeSync(fd);
  }
}

describe("what is there", () => {
  const cases: [string, boolean, string, string][] = [
    ["a folder by its path", false, "work", "work"],
    ["a file by its path", false, "work/file", "work/file"],
    ["a file beneath", true, "file", "work/file"],
    ["a folder with odd characters beneath", true, "a b\nc/d", "work/a b\nc/d"],
    ["back and forth beneath", true, "a b\nc/../file", "work/file"],
  ];
  for (const [name, beneath, path, target] of cases) {
    test(name, () => {
      const found = beneath ? opened(join(root, "work"), path) : opened(undefined, join(root, path));
      expect(found).toEqual({ target: join(root, target), mayBeRead: false, staysOnExec: false });
    });
  }
});

describe("refused", () => {
  const LINK = "cannot be reached without a symbolic link";
  const GONE = "is gone";
  const cases: [string, string | undefined, string, string][] = [
    ["a link on the way", "work", "to-folder/d", LINK],
    ["a link on the way out of the folder", "work", "to-outside/x", LINK],
    ["up and out", "work", "../outside", LINK],
    ["up, out and in again", "work", "../work/file", LINK],
    ["up and out from further below", "work", "a b\nc/../../outside", LINK],
    ["an absolute path beneath", "work", "/etc/passwd", LINK],
    ["a link at the end, to a file", "work", "to-file", LINK],
    ["a link at the end, to a folder", "work", "to-folder", LINK],
    ["a link at the end, out of the folder", "work", "to-outside", LINK],
    ["a link by its own path", undefined, "work/to-folder", LINK],
    ["something missing", "work", "nothing", GONE],
    ["a file in a folder's place", "work/file", "x", LINK],
    ["a folder reached through a link", "alias", "file", LINK],
    ["a folder that is missing", "nowhere", "file", GONE],
    ["a path through a link", undefined, "alias/file", LINK],
    ["a missing path", undefined, "nowhere", GONE],
  ];
  for (const [name, beneath, path, what] of cases) {
    test(name, () => {
      const given = beneath === undefined ? join(root, path) : path;
      const before = readdirSync("/proc/self/fd").length;
      expect(() => openBeneath(beneath === undefined ? undefined : join(root, beneath), given)).toThrow(
        expect.objectContaining({ kind: "denied", message: `${JSON.stringify(given)} ${what}` }),
      );
      expect(readdirSync("/proc/self/fd").length).toBe(before);
    });
  }
});

test("what was opened stays what it was when its name is taken over", () => {
  const fd = openBeneath(join(root, "work"), "file");
  try {
    const { ino } = lstatSync(join(root, "work/file"));
    renameSync(join(root, "work/file"), join(root, "work/aside"));
    symlinkSync("/etc/passwd", join(root, "work/file"));
    expect(fstatSync(fd).ino).toBe(ino);
  } finally {
    closeSync(fd);
  }
});

describe("what was checked before", () => {
  const idOf = (path: string) => {
    const { dev, ino } = lstatSync(path, { bigint: true });
    return `${dev}:${ino}`;
  };

  test("is opened while it is the same", () => {
    const path = join(root, "work");
    closeSync(openSame(undefined, path, idOf(path)));
    closeSync(openSame(root, "work", idOf(path)));
    closeSync(openSame(root, "work", undefined));
    checkSame(path, idOf(path));
  });

  test("is refused when another folder, a copy of a file, or a link is in its place", () => {
    const before = readdirSync("/proc/self/fd").length;
    const swapped: [string, (path: string) => void][] = [
      ["work", (path) => (renameSync(path, `${path}.old`), mkdirSync(path))],
      ["outside/f", (path) => (renameSync(path, `${path}.old`), writeFileSync(path, "x"))],
    ];
    writeFileSync(join(root, "outside/f"), "x");
    for (const [name, swap] of swapped) {
      const path = join(root, name);
      const id = idOf(path);
      swap(path);
      const message = `${JSON.stringify(path)} is not what it was when it was checked`;
      expect(() => checkSame(path, id)).toThrow(expect.objectContaining({ kind: "denied", message }));
      rmSync(path, { recursive: true });
      symlinkSync(`${path}.old`, path);
      expect(() => checkSame(path, id)).toThrow(expect.objectContaining({ kind: "denied" }));
    }
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });
});
