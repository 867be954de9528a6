// Where a workspace has names that run code later: every repository at any depth, never through a link.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findProtected, isWithin } from "#sandbox/protected.ts";
import { CLAUDE_DIRS, CLAUDE_FILES, ROOT_DIRS, ROOT_FILES } from "#sandbox/protected-names.ts";

let root = "";

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "broke-protected-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Makes files (and, where the path ends in a slash, folders) with what is above them. */
function make(...paths: string[]) {
  for (const path of paths) {
    const full = join(root, path);
    mkdirSync(path.endsWith("/") ? full : dirname(full), { recursive: true });
    if (!path.endsWith("/")) writeFileSync(full, "x");
  }
}

const asFile = (path: string) => ({ path, kind: "file" as const });
const asDir = (path: string) => ({ path, kind: "dir" as const });
const rootNames = [
  ...ROOT_FILES.map(asFile),
  ...ROOT_DIRS.map(asDir),
  ...CLAUDE_FILES.map((name) => asFile(`.claude/${name}`)),
  ...CLAUDE_DIRS.map((name) => asDir(`.claude/${name}`)),
];
/** The folders above the names at the root. */
const PINS = [".claude", ".forgejo", ".gitea", ".github"];
const gitFiles = (repository: string) =>
  ["config", "config.worktree", "info/attributes", "objects/info/alternates"].map((name) => `${repository}/${name}`);
const gitDirs = (repository: string) => ["hooks", "modules"].map((name) => `${repository}/${name}`);

test("the names an issue of this kind was ever made of are on the list", () => {
  for (const name of [
    ".mcp.json",
    ".envrc",
    ".npmrc",
    ".bashrc",
    ".gitconfig",
    ".gitmodules",
    ".pre-commit-config.yaml",
  ])
    expect(ROOT_FILES).toContain(name);
  for (const name of [".vscode", ".idea", ".husky", ".codex", ".gemini", ".cursor"]) expect(ROOT_DIRS).toContain(name);
  expect([CLAUDE_FILES, CLAUDE_DIRS]).toEqual([
    ["settings.json", "settings.local.json"],
    ["agents", "commands", "skills", "hooks", "plugins"],
  ]);
});

test("an empty workspace: every name is missing", () => {
  expect(findProtected(root)).toEqual({
    files: [],
    dirs: [],
    missing: rootNames,
    masked: [],
    pins: PINS,
  });
});

test("what is there is protected as what it is, whatever kind was expected", () => {
  make(".npmrc", ".vscode/tasks.json", ".claude/settings.json", ".claude/hooks/", ".github/workflows/ci.yml", ".husky");
  make(".envrc/");
  const there = [
    ".npmrc",
    ".vscode",
    ".claude/settings.json",
    ".claude/hooks",
    ".github/workflows",
    ".husky",
    ".envrc",
  ];
  expect(findProtected(root)).toEqual({
    files: [".npmrc", ".husky", ".claude/settings.json"],
    dirs: [".envrc", ".vscode", ".github/workflows", ".claude/hooks"],
    missing: rootNames.filter(({ path }) => !there.includes(path)),
    masked: [],
    pins: PINS,
  });
});

test("every repository at any depth: its configuration and hooks, and the folders above them pinned", () => {
  make(
    ".git/config",
    ".git/hooks/pre-commit",
    ".git/info/exclude",
    "vendor/deep/sub/.git/config",
    "vendor/deep/sub/.git/modules/",
  );
  const found = findProtected(root);
  const nested = "vendor/deep/sub/.git";
  expect({ ...found, missing: found.missing.filter(({ path }) => path.includes(".git/")) }).toEqual({
    files: [".git/config", `${nested}/config`],
    dirs: [".git/hooks", `${nested}/modules`],
    missing: [
      ...["config.worktree", "info/attributes", "objects/info/alternates"].map((name) => asFile(`.git/${name}`)),
      asDir(".git/modules"),
      ...["config.worktree", "info/attributes", "objects/info/alternates"].map((name) => asFile(`${nested}/${name}`)),
      asDir(`${nested}/hooks`),
    ],
    masked: [],
    pins: [
      ...[".claude", ".forgejo", ".git", ".gitea", ".github", "vendor"],
      ...[".git/info", ".git/objects", "vendor/deep", ".git/objects/info", "vendor/deep/sub", nested],
      ...[`${nested}/info`, `${nested}/objects`, `${nested}/objects/info`],
    ],
  });
});

test("a worktree's or submodule's .git file is protected; what is inside a .git is not walked", () => {
  make("sub/.git", ".git/worktrees/a/.git/config", ".git/.env");
  const found = findProtected(root);
  expect({ files: found.files, dirs: found.dirs, masked: found.masked }).toEqual({
    files: ["sub/.git"],
    dirs: [],
    masked: [],
  });
  expect(found.missing.filter(({ path }) => path.startsWith(".git/"))).toEqual([
    ...gitFiles(".git").map(asFile),
    ...gitDirs(".git").map(asDir),
    asFile(".git/worktrees/a/config.worktree"),
  ]);
});

test("environment files are masked at any depth; their examples are not", () => {
  make(".env", ".env.local", "a/b/.env.production", ".env.example", "a/.env.sample", "a/.env.template", "a/.env.dist");
  make(".environment", "a.env", "a/env", "c/.env/");
  const { masked, pins } = findProtected(root);
  expect({ masked, pins }).toEqual({
    masked: [".env", ".env.local", "a/b/.env.production"],
    pins: [...PINS, "a", "a/b"],
  });
});

test("a service's socket is masked", async () => {
  make("run/");
  const server = createServer();
  await new Promise<void>((done) => server.listen(join(root, "run/service.sock"), done));
  try {
    expect(findProtected(root).masked).toEqual(["run/service.sock"]);
  } finally {
    server.close();
  }
});

describe("a link at or above a protected name is refused, and the place named", () => {
  const cases: [string, () => void, string][] = [
    ["a protected file", () => symlinkSync("/etc/passwd", join(root, ".npmrc")), ".npmrc"],
    ["a protected folder", () => symlinkSync("/etc", join(root, ".vscode")), ".vscode"],
    ["the folder above one", () => symlinkSync("/oldroot/srv", join(root, ".claude")), ".claude"],
    [
      "client settings in any folder",
      () => (make("a/b/"), symlinkSync("/oldroot/srv", join(root, "a/b/.codex"))),
      "a/b/.codex",
    ],
    ["servers in any folder", () => (make("a/"), symlinkSync("/etc/passwd", join(root, "a/.mcp.json"))), "a/.mcp.json"],
    [
      "a record of worktrees",
      () => (make(".git/"), symlinkSync("/etc", join(root, ".git/worktrees"))),
      ".git/worktrees",
    ],
    [
      "a bare repository's hooks",
      () => (make("b/HEAD", "b/objects/", "b/refs/"), symlinkSync("/etc", join(root, "b/hooks"))),
      "b/hooks",
    ],
    ["a dangling link", () => symlinkSync("nowhere", join(root, ".mcp.json")), ".mcp.json"],
    ["a workflow folder's parent", () => symlinkSync("/etc", join(root, ".github")), ".github/workflows"],
    [".git", () => symlinkSync("/etc", join(root, ".git")), ".git"],
    ["a nested .git", () => (make("a/b/"), symlinkSync("/etc", join(root, "a/b/.git"))), "a/b/.git"],
    ["hooks", () => (make("a/.git/"), symlinkSync("/etc", join(root, "a/.git/hooks"))), "a/.git/hooks"],
    ["info", () => (make(".git/"), symlinkSync("/etc", join(root, ".git/info"))), ".git/info/attributes"],
    [".env", () => (make("a/"), symlinkSync("/etc/passwd", join(root, "a/.env"))), "a/.env"],
  ];
  for (const [name, plant, path] of cases) {
    test(name, () => {
      plant();
      expect(() => findProtected(root)).toThrow(
        expect.objectContaining({
          kind: "denied",
          message: `the protected name ${JSON.stringify(path)} is or crosses a symbolic link`,
        }),
      );
    });
  }
});

test("links elsewhere are neither followed nor refused, also those that go round in circles", () => {
  make("real/.git/config", "real/.env");
  symlinkSync("real", join(root, "alias"));
  symlinkSync("..", join(root, "real/up"));
  symlinkSync("loop", join(root, "loop"));
  symlinkSync("/", join(root, "everything"));
  const found = findProtected(root);
  expect([found.files, found.masked]).toEqual([["real/.git/config"], ["real/.env"]]);
});

test("what clients obey in any folder is protected where it is, and Claude's names are held there", () => {
  make("a/b/.claude/settings.json", "a/.codex/config.toml", "a/.gemini/x", "c/.cursor/x", "c/.agents/x", "c/.mcp.json");
  const found = findProtected(root);
  const nested = (path: string) => !rootNames.some((name) => name.path === path);
  expect({
    files: found.files,
    dirs: found.dirs,
    missing: found.missing.filter(({ path }) => nested(path)).map(({ path }) => path),
  }).toEqual({
    files: ["a/b/.claude/settings.json", "c/.mcp.json"].sort(),
    dirs: ["c/.agents", "c/.cursor", "a/.codex", "a/.gemini"].toSorted(
      (one, other) => found.dirs.indexOf(one) - found.dirs.indexOf(other),
    ),
    missing: ["settings.local.json", "agents", "commands", "skills", "hooks", "plugins"].map(
      (name) => `a/b/.claude/${name}`,
    ),
  });
});

test("a bare repository is one too, and so is a linked worktree's record", () => {
  make("bare.git/HEAD", "bare.git/objects/", "bare.git/refs/", "bare.git/config", "notes/HEAD");
  make(".git/worktrees/one/commondir", ".git/worktrees/one/gitdir");
  const found = findProtected(root);
  expect({
    files: found.files,
    missing: found.missing.filter(({ path }) => /^(bare|notes|\.git\/worktrees)/.test(path)).map(({ path }) => path),
  }).toEqual({
    files: ["bare.git/config", ".git/worktrees/one/commondir", ".git/worktrees/one/gitdir"].toSorted(
      (one, other) => found.files.indexOf(one) - found.files.indexOf(other),
    ),
    missing: [
      ...["config.worktree", "info/attributes", "objects/info/alternates", "hooks", "modules"].map(
        (name) => `bare.git/${name}`,
      ),
      ".git/worktrees/one/config.worktree",
    ].toSorted(
      (one, other) =>
        found.missing.findIndex(({ path }) => path === one) - found.missing.findIndex(({ path }) => path === other),
    ),
  });
});

test("what is opened by name is neither read-only, held, masked nor refused as a link; its neighbours are", () => {
  make(".npmrc", ".claude/settings.json", ".git/hooks/x", ".env", "a/.env");
  symlinkSync("elsewhere", join(root, ".vscode"));
  const found = findProtected(root, [".npmrc", ".claude", ".git/hooks", ".env", ".vscode"]);
  expect({ files: found.files, dirs: found.dirs, masked: found.masked }).toEqual({
    files: [],
    dirs: [],
    masked: ["a/.env"],
  });
  const missing = found.missing.map(({ path }) => path);
  expect(missing).not.toContain(".claude/hooks");
  expect(missing).toContain(".git/config");
  expect(found.pins).toContain(".git");
});

test("a file where a folder is expected above a protected name leaves that name missing", () => {
  make(".claude", ".github");
  const found = findProtected(root);
  expect(found.missing.filter(({ path }) => path.startsWith(".claude/")).length).toBe(7);
  expect({ files: found.files, dirs: found.dirs }).toEqual({ files: [], dirs: [] });
});

test("isWithin", () => {
  const cases: [string, string, boolean][] = [
    ["/a", "/a", true],
    ["/a", "/a/b/c", true],
    ["/a", "/ab", false],
    ["/a", "/", false],
    ["/a/b", "/a", false],
    ["/a", "/a/..b", true],
    ["/a", "/a/../b", false],
    ["/", "/a", true],
  ];
  expect(cases.map(([folder, path]) => [folder, path, isWithin(folder, path)] as [string, string, boolean])).toEqual(
    cases,
  );
});
