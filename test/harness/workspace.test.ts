// Which folders no agent is let loose in.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkWorkspace, holdsInstallation, loadedBy } from "#harness/workspace.ts";

const ROOT = realpathSync(join(import.meta.dir, "..", ".."));

let root = "";
let home = "";
let brokeHome = "";
let env: Record<string, string | undefined> = {};

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "broke-workspace-")));
  home = join(root, "people/ada");
  brokeHome = join(home, ".broke");
  mkdirSync(join(brokeHome, "runs"), { recursive: true });
  mkdirSync(join(home, "code/my project"), { recursive: true });
  env = { HOME: home };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const check = (path: string, state = brokeHome) => checkWorkspace(path, state, env);
const TOO_MUCH = (path: string) =>
  expect.objectContaining({ kind: "denied", message: `${path} is too much to hand to an agent` });
const CONTAINS = expect.objectContaining({
  kind: "denied",
  message: "the workspace and BROKE_HOME contain one another",
});
const NO_FOLDER = expect.objectContaining({ kind: "usage", message: "the workspace is not a folder that can be read" });

describe("allowed", () => {
  test("a project's folder, below the home and elsewhere", () => {
    mkdirSync(join(root, "srv"));
    const paths = [join(home, "code"), join(home, "code/my project"), join(root, "srv")];
    expect(paths.map((path) => check(path))).toEqual(paths);
  });

  test("reached through a link or a detour it is the folder it really is", () => {
    symlinkSync(join(home, "code/my project"), join(root, "link"));
    const real = join(home, "code/my project");
    expect([check(join(root, "link")), check(`${home}/code/../code/my project/`)]).toEqual([real, real]);
  });

  test("a name that only begins like the home's or like BROKE_HOME", () => {
    for (const name of ["ada2", "ada/.broke-notes"]) mkdirSync(join(root, "people", name));
    expect(check(join(root, "people/ada2"))).toBe(join(root, "people/ada2"));
    expect(check(join(home, ".broke-notes"))).toBe(join(home, ".broke-notes"));
  });

  test("for an id without an account, whose home is not there", () => {
    env = { HOME: join(root, "nonexistent") };
    expect(check(join(home, "code"), join(root, "state"))).toBe(join(home, "code"));
  });
});

describe("too much", () => {
  test("the home, and everything above it", () => {
    for (const path of [home, join(root, "people"), root]) {
      expect(() => check(path, "/elsewhere/.broke")).toThrow(TOO_MUCH(path));
    }
  });

  test("the home through a link, and a home that is a link", () => {
    symlinkSync(home, join(root, "alias"));
    expect(() => check(join(root, "alias"))).toThrow(TOO_MUCH(home));
    env = { HOME: join(root, "alias") };
    expect(() => check(home)).toThrow(TOO_MUCH(home));
    expect(() => check(join(root, "people"))).toThrow(TOO_MUCH(join(root, "people")));
  });

  test("what is below the system's own folders is too", () => {
    for (const path of ["/usr/bin", "/usr/local", "/etc/ssl", "/proc/1", "/sys/kernel", "/dev/shm"].filter((name) =>
      existsSync(name),
    )) {
      expect(() => check(path, "/elsewhere/.broke")).toThrow(TOO_MUCH(realpathSync(path)));
    }
  });

  const system = ["/", "/home", "/root", "/usr", "/etc", "/tmp", "/var", "/opt", "/run", "/dev", "/proc", "/sys"];
  for (const path of system.filter((name) => existsSync(name) && realpathSync(name) === name)) {
    test(path, () => {
      env = { HOME: join(root, "nonexistent") };
      expect(() => check(path, "/elsewhere/.broke")).toThrow(TOO_MUCH(path));
      expect(() => check(`/.${path}`, "/elsewhere/.broke")).toThrow(TOO_MUCH(path));
    });
  }
});

describe("our own state", () => {
  test("BROKE_HOME, what is in it, and what it is in", () => {
    for (const path of [brokeHome, join(brokeHome, "runs")]) expect(() => check(path)).toThrow(CONTAINS);
    const inside = join(home, "code/my project/state");
    for (const path of [join(home, "code/my project"), join(home, "code")]) {
      expect(() => check(path, inside)).toThrow(CONTAINS);
    }
  });

  test("through a link", () => {
    symlinkSync(join(brokeHome, "runs"), join(home, "code/runs"));
    expect(() => check(join(home, "code/runs"))).toThrow(CONTAINS);
  });
});

describe("no folder", () => {
  test("a file, a missing path, a dangling link, a name with a NUL in it", () => {
    writeFileSync(join(root, "file"), "");
    symlinkSync("nowhere", join(root, "dangling"));
    for (const name of ["file", "file/below", "missing", "dangling"]) {
      expect(() => check(join(root, name))).toThrow(NO_FOLDER);
    }
    expect(() => check(`${root}\0x`)).toThrow();
  });
});

test("a workspace that holds the broke that runs is known as one", () => {
  const folders = [ROOT, dirname(ROOT), join(ROOT, "src", "cli"), join(ROOT, ".demo", "workspace"), `${ROOT}-other`];
  expect(folders.map(holdsInstallation)).toEqual([true, true, true, false, false]);
});

test("what says which code is loaded is held where the workspace is this broke; a link among it is refused, with the ways on", () => {
  const own = join(root, "own");
  mkdirSync(join(own, "node_modules"), { recursive: true });
  expect(loadedBy(root, [], own)).toContainEqual({ path: "own/node_modules", kind: "dir" });
  expect(loadedBy(join(root, "other"), [], own)).toEqual([]);
  rmSync(join(own, "node_modules"), { recursive: true });
  symlinkSync("/elsewhere/node_modules", join(own, "node_modules"));
  expect(() => loadedBy(root, [], own)).toThrow(
    expect.objectContaining({
      kind: "denied",
      message: '"own/node_modules" of the broke that runs this is a symbolic link, which a worker here could replace',
      hint: "install the packages there (npm ci), use --workspace=worktree or copy, or launch by another installation of broke",
    }),
  );
  expect(loadedBy(root, ["own/node_modules"], own)).toHaveLength(6);
  expect(loadedBy(join(root, "other"), [], own)).toEqual([]);
});
