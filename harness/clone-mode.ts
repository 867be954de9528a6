// `--workspace worktree`: the run works in a clone of its own that borrows the repository's objects read-only, at the same commit and branch,
// with the uncommitted changes and untracked files of the workspace carried over. (A linked worktree would share refs and configuration.)
// Submodules, nested repositories and ignored files are not carried.
// Does not stop: the run from reading all that was ever committed.

import { closeSync, copyFileSync, lstatSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { hookFolders } from "#sandbox/git-paths.ts";
import { fdPath, openAt, openFolder } from "#sandbox/open.ts";
import { below } from "#sandbox/tree.ts";
import { copyFileAt, copyLinkAt, COPY_LIMITS } from "./copy-tree.ts";
import type { Sight } from "./borrowed.ts";
import { AT_LANDING, AT_TREE, git, items } from "./git.ts";
import { borrowedBinds, makeGitDir } from "./git-skeleton.ts";
import { takeInventory } from "./inventory.ts";
import { readRepository, type Repository } from "./repository.ts";
import { readStored } from "./stored.ts";

export const cloneOriginSchema = v.object({
  kind: v.literal("worktree"),
  commonDir: v.string(),
  objects: v.array(v.string()),
  /** The commit it began at, and one with what was uncommitted on top (the same where nothing was); null: there was none. */
  head: v.nullable(v.string()),
  start: v.nullable(v.string()),
  /** Paths that the repository's configuration makes git run, besides those protected everywhere. */
  running: v.array(v.string()),
  /** Every file carried over, a character a byte, as it was at the start. */
  files: v.record(v.string(), v.string()),
});
export type CloneOrigin = v.InferOutput<typeof cloneOriginSchema>;

const stampOf = ({ mode, size, stamp }: { mode: number; size: number; stamp: string }) => `${mode} ${size} ${stamp}`;

/** The stamps of all files below a tree, its repository's own left out. */
export function fileStamps(tree: string): Record<string, string> {
  const stamps: Record<string, string> = Object.create(null);
  const { entries, complete } = takeInventory(tree);
  if (!complete)
    throw new BrokeError("denied", "the run's tree cannot be read whole", "look at it yourself: it is kept");
  for (const [path, entry] of entries) {
    if (entry.kind !== "dir" && !path.startsWith(".git/")) stamps[path] = stampOf(entry);
  }
  return stamps;
}

/** Copies the named files; returns how many were left out because they are no files. */
function carry(workspace: string, tree: string, names: Buffer[]): { files: number; bytes: number; leftOut: number } {
  const carried = { files: 0, bytes: 0, leftOut: 0 };
  if (names.length > COPY_LIMITS.entries)
    throw new BrokeError("denied", "the workspace is too large to copy", "use --workspace=direct");
  const root = openFolder(workspace);
  const folders = new Set([""]);
  const makeFolder = (path: string) => {
    if (folders.has(path)) return;
    const cut = path.lastIndexOf("/");
    makeFolder(cut === -1 ? "" : path.slice(0, cut));
    mkdirSync(below(tree, Buffer.from(path, "latin1")), { mode: 0o755 });
    folders.add(path);
  };
  try {
    for (const name of names) {
      const path = name.toString("latin1").replace(/\/$/, "");
      const cut = path.lastIndexOf("/");
      const parent = cut === -1 ? "" : path.slice(0, cut);
      const target = below(tree, name);
      let folder: number;
      try {
        folder = openAt(root, parent === "" ? "." : Buffer.from(parent, "latin1"));
      } catch {
        continue; // the folder is gone, or a link now: then so is the file
      }
      try {
        const own = Buffer.from(path.slice(cut + 1), "latin1");
        const stat = lstatSync(Buffer.concat([Buffer.from(`${fdPath(folder)}/`), own]), { throwIfNoEntry: false });
        if (stat === undefined) continue;
        if (stat.isDirectory()) {
          makeFolder(path);
          carried.leftOut += 1;
          continue;
        }
        if ((carried.bytes += stat.size) > COPY_LIMITS.bytes)
          throw new BrokeError("denied", "the workspace is too large to copy", "use --workspace=direct");
        makeFolder(parent);
        const done = stat.isSymbolicLink() ? copyLinkAt(folder, own, target) : copyFileAt(root, name, target);
        if (done) carried.files += 1;
      } finally {
        closeSync(folder);
      }
    }
    return carried;
  } finally {
    closeSync(root);
  }
}

const shownObjects = (objects: string[], landing: string) =>
  borrowedBinds(objects, landing).map(({ path, target }) => ({ source: path, target }));

/** The folders of objects that a clone borrows, `origin` the file that says where it came from. */
export const cloneObjects = (origin: string, landing: string) =>
  shownObjects(readStored(origin, cloneOriginSchema).objects, landing);

type Ask = (path: string, args: string[], options?: { stdin?: Uint8Array; write?: boolean }) => Buffer;

/** The commit that a base names: HEAD, a branch, a tag, a full ref, a commit. Throws `usage`. */
function commitOf(base: string, { refs, head }: Repository, ask: Ask, workspace: string): string {
  const names = ["", "refs/", "refs/heads/", "refs/tags/", "refs/remotes/"].map((prefix) => `${prefix}${base}`);
  const named = names.map((name) => refs.get(name)).find((found) => found !== undefined);
  const oid = base === "HEAD" ? (head.oid ?? undefined) : named;
  try {
    if (oid === undefined && !/^[0-9a-f]{4,64}$/.test(base)) throw new BrokeError("denied", "no such ref");
    return ask(workspace, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${oid ?? base}^{commit}`])
      .toString()
      .trim();
  } catch (error) {
    if (!(error instanceof BrokeError)) throw error;
    throw new BrokeError("usage", "--base names no commit of this repository", "name a branch, a tag or a commit");
  }
}

/** The files of a commit, nothing of the workspace: no filter or hook has a say. */
function checkOutBase(oid: string, repository: Repository, tree: string, landing: string, ask: Ask) {
  mkdirSync(tree, { mode: 0o700 });
  rmSync(join(landing, "index"), { force: true });
  ask(tree, ["read-tree", oid]);
  ask(tree, ["checkout-index", "--all", "--force"], { write: true });
  makeGitDir(join(tree, ".git"), { ...repository, head: { ref: null, oid } }, false);
  copyFileSync(join(landing, "index"), join(tree, ".git/index"));
  return { files: items(ask(tree, ["ls-files", "-z", "-c"])).length };
}

/** Makes the clone at `tree` and the supervisor's repository at `landing`; `base` is what it begins at, else the workspace as it is. Throws `denied` where that cannot be. */
export function makeClone(sight: Sight, tree: string, landing: string, base: string | null = null) {
  const { workspace } = sight;
  const repository = readRepository(sight);
  const { objects, commonDir, head } = repository;
  makeGitDir(landing, repository, true);
  writeFileSync(join(landing, "empty"), "");
  const borrowed = borrowedBinds(objects, landing);
  const ask: Ask = (path, args, { stdin, write = false } = {}) =>
    git({
      args: [`--git-dir=${AT_LANDING}`, `--work-tree=${AT_TREE}`, ...args],
      binds: [{ path: landing, target: AT_LANDING, write: true }, { path, target: AT_TREE, write }, ...borrowed],
      ...(stdin ? { stdin } : {}),
    });
  const writeRefs = () => {
    const refs = [...repository.refs].filter(([name]) => /^refs\/(heads|tags|remotes)\//.test(name));
    writeFileSync(join(tree, ".git/packed-refs"), refs.map(([name, oid]) => `${oid} ${name}\n`).join(""));
  };
  const running = hookFolders(workspace, "", repository.config);
  if (base !== null) {
    const oid = commitOf(base, repository, ask, workspace);
    const made = checkOutBase(oid, repository, tree, landing, ask);
    writeRefs();
    const origin: CloneOrigin = {
      ...{ kind: "worktree", commonDir, objects, head: oid, start: oid, running, files: fileStamps(tree) },
    };
    return { origin, objects: shownObjects(objects, landing), made: { ...made, base, head: oid, start: oid } };
  }
  if (ask(workspace, ["ls-files", "-z", "-u"]).length > 0)
    throw new BrokeError("denied", "the workspace has conflicts that are not resolved", "resolve them first");
  const tracked = items(ask(workspace, ["ls-files", "-z", "-c"]));
  const untracked = items(ask(workspace, ["ls-files", "-z", "-o", "--exclude-standard"]));
  const changed = items(ask(workspace, ["diff-files", "-z", "--name-only", "--ignore-submodules=all"]));
  mkdirSync(tree, { mode: 0o700 });
  const carried = carry(workspace, tree, [...tracked, ...untracked]);
  makeGitDir(join(tree, ".git"), repository, false);
  writeRefs();

  const dirty = [...changed, ...untracked.filter((name) => name.at(-1) !== 0x2f)];
  ask(tree, ["update-index", "-z", "--add", "--remove", "--replace", "--stdin"], {
    stdin: Buffer.concat(dirty.flatMap((name) => [name, Buffer.alloc(1)])),
  });
  const startTree = ask(tree, ["write-tree"]).toString().trim();
  const same =
    head.oid !== null &&
    ask(tree, ["rev-parse", `${head.oid}^{tree}`])
      .toString()
      .trim() === startTree;
  const parents = head.oid === null ? [] : ["-p", head.oid];
  const start = same
    ? head.oid
    : ask(tree, ["commit-tree", startTree, ...parents, "-m", "Uncommitted changes a run began with"])
        .toString()
        .trim();
  const origin: CloneOrigin = {
    kind: "worktree",
    commonDir,
    objects,
    head: head.oid,
    start,
    running,
    files: fileStamps(tree),
  };
  return {
    origin,
    objects: shownObjects(objects, landing),
    made: { ...carried, head: head.oid, start, uncommitted: dirty.length },
  };
}
