// Protected names by words alone: which path is one, and what `--allow-protected` takes.

import { describe, expect, test } from "bun:test";
import { noListFlags } from "#sandbox/permission-flags.ts";
import { isProtectedLink, parseProtectedPermission, protectedBy } from "#sandbox/protected-names.ts";

const cases: [string, string | undefined][] = [
  [".npmrc", ".npmrc"],
  ["a/.npmrc", undefined],
  [".vscode/tasks.json", ".vscode"],
  [".github/workflows/ci.yml", ".github/workflows"],
  [".github/CODEOWNERS", undefined],
  ["Jenkinsfile", "Jenkinsfile"],
  ["docs/Jenkinsfile", undefined],
  [".claude/settings.json", ".claude/settings.json"],
  [".claude/notes.md", undefined],
  ["a/b/.claude/hooks/x", "a/b/.claude/hooks"],
  ["a/.codex/config.toml", "a/.codex"],
  ["a/.mcp.json", "a/.mcp.json"],
  ["vendor/x/.git/hooks/pre-commit", "vendor/x/.git/hooks"],
  ["vendor/x/.git", "vendor/x/.git"],
  ["vendor/x/.git/index", undefined],
  ["a/.env.local", "a/.env.local"],
  ["a/.env.example", undefined],
  ["hooks/x", undefined],
];
test.each(cases)("%p is held by %p", (path, name) => expect(protectedBy(path)).toBe(name));

test("links that somebody would follow", () => {
  expect(
    [".git", ".claude", ".github", ".mcp.json", ".env", "Jenkinsfile"].filter((name) => !isProtectedLink(name)),
  ).toEqual([]);
  expect(["src", "config", "hooks", ".gitignore", ".env.example"].filter(isProtectedLink)).toEqual([]);
});

const parse = (...allow: string[]) => parseProtectedPermission({ ...noListFlags, allow });

describe("--allow-protected", () => {
  test("takes exact paths, once each", () => {
    expect(parse(".npmrc,.git/hooks/", ".claude,a/.env,.npmrc")).toEqual([".npmrc", ".git/hooks", ".claude", "a/.env"]);
  });

  const refused = [
    "src",
    "",
    "/etc",
    "..",
    "../.npmrc",
    "a/../.npmrc",
    "./.npmrc",
    ".git",
    "a/.git",
    "*",
    ".NPMRC",
    ".vscode/tasks.json",
    ".npmrc\u202e",
    "toString",
  ];
  test.each(refused)("refuses %p", (word) =>
    expect(() => parse(word)).toThrow(
      expect.objectContaining({ kind: "usage", message: "--allow-protected: a path is not one that is protected" }),
    ),
  );

  test("bare it would open everything, so it is refused", () => {
    expect(() => parseProtectedPermission({ ...noListFlags, any: true })).toThrow("--allow-protected needs names");
  });
});
