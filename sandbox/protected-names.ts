// The names in a workspace that make somebody else run code later, as data: what is read-only whatever else is writable. Pure.
// Does not stop: names not listed; scripts, tests and build files a person runs later.

import type { ListFlags } from "./permission-flags.ts";
import { BrokeError } from "#src/core/errors.ts";

/** Protected at the workspace root, made read-only there; missing ones get a placeholder for the time of the run. */
export const ROOT_FILES = [
  ...[".gitmodules", ".gitconfig", ".mcp.json", ".envrc", ".npmrc", ".yarnrc.yml", ".pnpmfile.cjs", "broke.toml"],
  ...[".pre-commit-config.yaml", "lefthook.yml", ".lefthook.yml"],
  ...[".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zshenv", ".zprofile", ".ripgreprc"],
  ...[".exrc", ".nvimrc", ".nvim.lua"],
  ...[".gitlab-ci.yml", ".travis.yml", ".drone.yml", ".cirrus.yml", ".woodpecker.yml", "Jenkinsfile"],
  ...["azure-pipelines.yml", "bitbucket-pipelines.yml", "appveyor.yml"],
];
/** Of which all that is in them is protected too. */
export const ROOT_DIRS = [
  ...[".vscode", ".idea", ".zed", ".devcontainer", ".husky", ".codex", ".gemini", ".cursor", ".agents"],
  ...[".github/workflows", ".github/actions", ".forgejo/workflows", ".gitea/workflows"],
  ...[".circleci", ".buildkite", ".woodpecker"],
];
export const CLAUDE_FILES = ["settings.json", "settings.local.json"];
export const CLAUDE_DIRS = ["agents", "commands", "skills", "hooks", "plugins"];
/** What clients obey in any folder they are started in: protected wherever it is at launch. */
export const CLIENT_FILES = [".mcp.json"];
export const CLIENT_DIRS = [".codex", ".gemini", ".cursor", ".agents"];
/** Protected in every repository, at any depth, and where they are missing held by a placeholder. */
export const GIT_FILES = ["config", "config.worktree", "info/attributes", "objects/info/alternates"];
export const GIT_DIRS = ["hooks", "modules"];
/** The same in a repository's record of a linked worktree: where that one takes its configuration and hooks from. */
export const WORKTREE_FILES = ["commondir", "gitdir", "config.worktree"];

const HARMLESS_ENV = /\.(example|sample|template|dist)$/;

/** Whether a file of this name holds secrets of the project's: `.env`, `.env.local`, but no example of one. */
export function isSecretName(name: string): boolean {
  return /^\.env(\.|$)/.test(name) && !HARMLESS_ENV.test(name);
}

const CLAUDE = [...CLAUDE_FILES, ...CLAUDE_DIRS].map((name) => `.claude/${name}`);
const GIT = [...GIT_FILES, ...GIT_DIRS].map((name) => `.git/${name}`);
const ANYWHERE = [...CLIENT_FILES, ...CLIENT_DIRS, ...CLAUDE, ...GIT];
const AT_ROOT = [...ROOT_FILES, ...ROOT_DIRS];

/** Whether a path, relative to the workspace, is `name` or lies in it. */
export const isAtOrBelow = (name: string, path: string) => path === name || path.startsWith(`${name}/`);

/** Whether a relative path is, or lies below, any of these. */
export const isOpened = (opened: readonly string[], path: string) => opened.some((name) => isAtOrBelow(name, path));

/**
 * Which protected name a path is or lies below, the path relative to the workspace; undefined: none. By words alone, so it holds for trees
 * that are not on disk too (a commit's).
 */
export function protectedBy(path: string): string | undefined {
  const atRoot = AT_ROOT.find((name) => isAtOrBelow(name, path));
  if (atRoot !== undefined) return atRoot;
  const parts = path.split("/");
  for (let start = 0; start < parts.length; start++) {
    const tail = parts.slice(start).join("/");
    const name = ANYWHERE.find((known) => isAtOrBelow(known, tail));
    if (name !== undefined) return [...parts.slice(0, start), name].join("/");
  }
  const last = parts.at(-1) ?? "";
  return last === ".git" || isSecretName(last) ? path : undefined;
}

/** Whether a link of this name, in any folder, stands where somebody would follow it to code or secrets. */
export function isProtectedLink(name: string): boolean {
  const known = [...AT_ROOT, ".claude", ".git", ".github"].map((path) => path.split("/")[0]);
  return known.includes(name) || isSecretName(name);
}

const FLAG = "--allow-protected";
const HINT =
  "it takes paths relative to the workspace: .npmrc, .claude, .github/workflows, .git/hooks, packages/a/.mcp.json, .env, …";

/** Reads one name: exactly this path is opened, and what is in it. */
function parseName(word: string): string {
  const path = word.replace(/\/$/, "");
  const clean = /^[^\p{C}]{1,1024}$/u.test(path) && !path.split("/").some((part) => ["", ".", ".."].includes(part));
  const known = clean && (protectedBy(path) === path || path === ".claude" || path.endsWith("/.claude"));
  // All of .git is none of the list's: what is opened there has a name.
  if (known && path !== ".git" && !path.endsWith("/.git")) return path;
  throw new BrokeError("usage", `${FLAG}: a path is not one that is protected`, HINT);
}

/** The protected paths a run may write to (or, of masked ones, read), by name. Throws `usage` on a name that is not protected. */
export function parseProtectedPermission(flags: ListFlags): string[] {
  const { allow, deny, denyAll } = flags;
  if (flags.any) throw new BrokeError("usage", `${FLAG} needs names`, HINT);
  if (denyAll || deny.length > 0) throw new BrokeError("usage", "protected names are denied unless allowed", HINT);
  return [...new Set(allow.flatMap((list) => list.split(",")).map(parseName))];
}
