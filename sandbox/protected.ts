// Names in a workspace that make somebody else run code later: which they are, and where a workspace has them.
// A protected name that is, or is reached through, a symbolic link is refused: bwrap before 0.12 follows such links while it mounts
// (CVE-2026-87766). The walk never opens a file and never follows a link.
// Does not stop: names not listed (protected-names.ts); a new repository made inside during the run, until the sweep after it.

import { lstatSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import {
  CLAUDE_DIRS,
  CLAUDE_FILES,
  CLIENT_DIRS,
  CLIENT_FILES,
  GIT_DIRS,
  GIT_FILES,
  isOpened,
  isSecretName,
  ROOT_DIRS,
  ROOT_FILES,
  WORKTREE_FILES,
} from "./protected-names.ts";
import { gitPaths } from "./git-paths.ts";
import { showPath, type TreeEntry, utf8, walkTree } from "./tree.ts";

const MAX_ENTRIES = 200_000;

/** Paths relative to the workspace. `missing` ones need a placeholder before they can be protected. */
export type ProtectedPaths = {
  files: string[];
  dirs: string[];
  missing: Wanted[];
  /** Files the client must not read: `.env*` and sockets. */
  masked: string[];
  /** Every existing folder above a protected path, shallow first: pinned against rename. */
  pins: string[];
};

/** A name that is to be protected, relative to the workspace. */
export type Wanted = { path: string; kind: "file" | "dir" };
/** `repositories` are folders as git means them: a `.git`, or a bare one. */
type Walk = { root: string; opened: readonly string[]; repositories: string[]; named: Wanted[]; masked: string[] };

const asFile = (path: string): Wanted => ({ path, kind: "file" });
const asDir = (path: string): Wanted => ({ path, kind: "dir" });

function walk(root: string, opened: readonly string[]): Walk {
  const found: Walk = { root, opened, repositories: [], named: [], masked: [] };
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

/** Names that mean something in whichever folder they are. */
const TELLING = new Set([".git", "HEAD", ".claude", ...CLIENT_FILES, ...CLIENT_DIRS]);

function visit({ path: bytes, name, stat }: TreeEntry, found: Walk): void {
  if (!stat.isSocket() && (name === null || !(TELLING.has(name) || isSecretName(name)))) return;
  const path = utf8(bytes);
  if (path === null) {
    throw new BrokeError(
      "denied",
      `${JSON.stringify(showPath(bytes))} must be protected, and its path is not UTF-8`,
      "rename the folders above it",
    );
  }
  if (stat.isSocket()) found.masked.push(path);
  else if (name === "HEAD") visitHead(path, found);
  else if (isOpened(found.opened, path)) return;
  else if (stat.isSymbolicLink()) refuseLink(path);
  else if (name === ".git") {
    if (stat.isDirectory()) found.repositories.push(path);
    else found.named.push(asFile(path));
  } else if (name === ".claude") {
    if (stat.isDirectory()) found.named.push(...claudeNames(path));
  } else if (isSecretName(name!)) {
    if (stat.isFile()) found.masked.push(path);
  } else found.named.push(asFile(path));
}

/** A bare repository needs no `.git` for git to run what its configuration says. */
function visitHead(path: string, found: Walk): void {
  const folder = path.slice(0, -"HEAD".length);
  const beside = (name: string) => lstatSync(join(found.root, folder, name), { throwIfNoEntry: false }) !== undefined;
  if (beside("objects") && beside("refs")) found.repositories.push(folder.slice(0, -1));
}

function claudeNames(folder: string): Wanted[] {
  return [
    ...CLAUDE_FILES.map((name) => asFile(`${folder}/${name}`)),
    ...CLAUDE_DIRS.map((name) => asDir(`${folder}/${name}`)),
  ];
}

function gitNames(root: string, repository: string): Wanted[] {
  const inside = (name: string) => (repository === "" ? name : `${repository}/${name}`);
  const worktrees = kindOf(root, inside("worktrees")) === "dir" ? readdirSync(join(root, inside("worktrees"))) : [];
  return [
    ...GIT_FILES.map((name) => asFile(inside(name))),
    ...GIT_DIRS.map((name) => asDir(inside(name))),
    ...worktrees
      .filter((worktree) => kindOf(root, inside(`worktrees/${worktree}`)) === "dir")
      .flatMap((worktree) => WORKTREE_FILES.map((name) => inside(`worktrees/${worktree}/${name}`)))
      // An empty `commondir` is an error to git: only one that is there can be held.
      .filter((path) => path.endsWith("/config.worktree") || kindOf(root, path) !== undefined)
      .map(asFile),
  ];
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

/**
 * Walks the workspace. `opened` are protected paths the run may write to all the same, `also` names that are protected here besides. Throws `denied` on a symbolic link at a protected name
 * and on a workspace too large to check.
 */
export function findProtected(
  root: string,
  opened: readonly string[] = [],
  also: readonly Wanted[] = [],
): ProtectedPaths {
  const found = walk(root, opened);
  const everywhere: Wanted[] = [
    ...ROOT_FILES.map(asFile),
    ...ROOT_DIRS.map(asDir),
    ...claudeNames(".claude"),
    ...also,
    ...found.named,
    ...found.repositories.flatMap((repository) => [...gitNames(root, repository), ...gitPaths(root, repository)]),
  ];
  const wanted = new Map(everywhere.map((item) => [item.path, item.kind]));
  const result: ProtectedPaths = { files: [], dirs: [], missing: [], masked: found.masked.sort(), pins: [] };
  const pins = new Set<string>();
  for (const [path, kind] of wanted) {
    if (isOpened(opened, path)) continue;
    const actual = kindOf(root, path);
    if (actual === undefined) result.missing.push({ path, kind });
    else (actual === "dir" ? result.dirs : result.files).push(path);
    for (const parent of ancestors(path)) pins.add(parent);
  }
  for (const path of found.masked) for (const parent of ancestors(path)) pins.add(parent);
  result.pins = [...pins].sort((a, b) => a.split("/").length - b.split("/").length || (a < b ? -1 : 1));
  return result;
}

/** Whether a path is, or lies in, something that is protected wherever it is: nobody is let write there by naming it as a path. */
export function isProtectedPath(path: string): boolean {
  const folders = [".git", ".claude", ...ROOT_DIRS];
  return folders.some((folder) => `${path}/`.includes(`/${folder}/`)) || ROOT_FILES.includes(path.split("/").at(-1)!);
}

/** Whether `path` lies in `folder` (or is it). Both absolute. */
export function isWithin(folder: string, path: string): boolean {
  const step = relative(folder, path);
  return step === "" || (step !== ".." && !step.startsWith("../") && !step.startsWith("/"));
}
