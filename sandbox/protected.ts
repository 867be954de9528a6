// Names in a workspace that make somebody else run code later: which they are, and where a workspace has them.
// A protected name that is, or is reached through, a symbolic link is refused: bwrap before 0.12 follows such links while it mounts
// (CVE-2026-87766). The walk never opens a file and never follows a link.
// Does not stop: names not listed; a new repository made inside during the run; scripts, tests and Makefiles a person runs later.

import { lstatSync } from "node:fs";
import { join, relative } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { showPath, type TreeEntry, utf8, walkTree } from "./tree.ts";

/** Protected at the workspace root, made read-only there; missing ones get a placeholder for the time of the run. */
export const ROOT_FILES = [
  ".gitmodules",
  ".mcp.json",
  ".envrc",
  ".npmrc",
  ".yarnrc.yml",
  ".pre-commit-config.yaml",
  ".bashrc",
  ".bash_profile",
  ".profile",
  ".zshrc",
  ".zprofile",
  ".gitconfig",
  ".ripgreprc",
  "broke.toml",
];
export const ROOT_DIRS = [".vscode", ".idea", ".husky", ".codex", ".gemini", ".cursor", ".agents"];
export const CLAUDE_FILES = ["settings.json", "settings.local.json"];
export const CLAUDE_DIRS = ["agents", "commands", "skills", "hooks", "plugins"];
/** Protected in every repository, at any depth. */
const GIT_FILES = ["config", "config.worktree", "info/attributes"];
const GIT_DIRS = ["hooks", "modules"];
const GITHUB_WORKFLOWS = ".github/workflows";

const MAX_ENTRIES = 200_000;
const HARMLESS_ENV = /\.(example|sample|template|dist)$/;

/** Paths relative to the workspace. `missing` ones need a placeholder before they can be protected. */
export type ProtectedPaths = {
  files: string[];
  dirs: string[];
  missing: { path: string; kind: "file" | "dir" }[];
  /** Files the client must not read: `.env*` and sockets. */
  masked: string[];
  /** Every existing folder above a protected path, shallow first: pinned against rename. */
  pins: string[];
};

type Walk = { repositories: string[]; gitFiles: string[]; masked: string[] };

function walk(root: string): Walk {
  const found: Walk = { repositories: [], gitFiles: [], masked: [] };
  let seen = 0;
  const unreadable = (path: Buffer) => {
    throw new BrokeError(
      "denied",
      `the folder ${JSON.stringify(showPath(path))} of the workspace cannot be read, so nothing in it could be protected`,
      "make it readable for yourself, or remove it",
    );
  };
  for (const entry of walkTree(root, ({ name }) => name !== ".git", unreadable)) {
    if (++seen > MAX_ENTRIES) {
      throw new BrokeError("denied", "the workspace is too large to check", "run in a smaller folder");
    }
    visit(entry, found);
  }
  return found;
}

/** Whether a name is that of a file with secrets in it. */
export const isEnvFile = (name: string) => /^\.env(\.|$)/.test(name) && !HARMLESS_ENV.test(name);

function visit({ path: bytes, name, stat }: TreeEntry, found: Walk): void {
  const isEnv = name !== null && isEnvFile(name);
  if (name !== ".git" && !isEnv && !stat.isSocket()) return;
  const path = utf8(bytes);
  if (path === null) {
    throw new BrokeError(
      "denied",
      `${JSON.stringify(showPath(bytes))} must be protected, and its path is not UTF-8`,
      "rename the folders above it",
    );
  }
  if (name === ".git") {
    if (stat.isSymbolicLink()) refuseLink(path);
    if (stat.isDirectory()) found.repositories.push(path);
    else found.gitFiles.push(path);
  } else if (stat.isSocket()) found.masked.push(path);
  else {
    if (stat.isSymbolicLink()) refuseLink(path);
    if (stat.isFile()) found.masked.push(path);
  }
}

function refuseLink(path: string): never {
  throw new BrokeError(
    "denied",
    `the protected name ${JSON.stringify(path)} is or crosses a symbolic link`,
    "replace the link by a real file or folder, or run in another workspace",
  );
}

function kindOf(root: string, path: string): "file" | "dir" | undefined {
  const parts = path.split("/");
  for (let depth = 1; depth <= parts.length; depth++) {
    const stat = lstatSync(join(root, ...parts.slice(0, depth)), { throwIfNoEntry: false });
    if (stat === undefined) return undefined;
    if (stat.isSymbolicLink()) refuseLink(path);
    if (depth === parts.length) return stat.isDirectory() ? "dir" : "file";
    if (!stat.isDirectory()) return undefined;
  }
  return undefined;
}

function ancestors(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

/** Walks the workspace. Throws `denied` on a symbolic link at a protected name and on a workspace too large to check. */
export function findProtected(root: string): ProtectedPaths {
  const found = walk(root);
  const wanted: { path: string; kind: "file" | "dir" }[] = [
    ...ROOT_FILES.map((path) => ({ path, kind: "file" as const })),
    ...ROOT_DIRS.map((path) => ({ path, kind: "dir" as const })),
    ...CLAUDE_FILES.map((name) => ({ path: `.claude/${name}`, kind: "file" as const })),
    ...CLAUDE_DIRS.map((name) => ({ path: `.claude/${name}`, kind: "dir" as const })),
    { path: GITHUB_WORKFLOWS, kind: "dir" },
    ...found.gitFiles.map((path) => ({ path, kind: "file" as const })),
    ...found.repositories.flatMap((repository) => [
      ...GIT_FILES.map((name) => ({ path: `${repository}/${name}`, kind: "file" as const })),
      ...GIT_DIRS.map((name) => ({ path: `${repository}/${name}`, kind: "dir" as const })),
    ]),
  ];
  const result: ProtectedPaths = { files: [], dirs: [], missing: [], masked: found.masked.sort(), pins: [] };
  const pins = new Set<string>();
  for (const item of wanted) {
    const actual = kindOf(root, item.path);
    if (actual === undefined) result.missing.push(item);
    else (actual === "dir" ? result.dirs : result.files).push(item.path);
    for (const parent of ancestors(item.path)) pins.add(parent);
  }
  for (const path of found.masked) for (const parent of ancestors(path)) pins.add(parent);
  result.pins = [...pins].sort((a, b) => a.split("/").length - b.split("/").length || (a < b ? -1 : 1));
  return result;
}

/** Whether a path is, or lies in, something that is protected wherever it is: nobody is let write there by naming it as a path. */
export function isProtectedPath(path: string): boolean {
  const parts = path.split("/");
  const folders = [".git", ".claude", ...ROOT_DIRS];
  return (
    parts.some((part) => folders.includes(part)) ||
    ROOT_FILES.includes(parts.at(-1)!) ||
    `${path}/`.includes(`/${GITHUB_WORKFLOWS}/`)
  );
}

/** Whether `path` lies in `folder` (or is it). Both absolute. */
export function isWithin(folder: string, path: string): boolean {
  const step = relative(folder, path);
  return step === "" || (step !== ".." && !step.startsWith("../") && !step.startsWith("/"));
}
