// What a run may have left in a tree that makes somebody run code later without meaning to: found by names and modes first, by content where a
// name does not say. Opens nothing but small regular files, follows no link, and reads git's files without git.
// Does not stop: what a person runs knowingly (scripts, tests, build files); names not listed in sandbox/protected-names.ts.

import { createHash } from "node:crypto";
import { posix } from "node:path";
import { readBeneath } from "#sandbox/open.ts";
import { CLIENT_DIRS, CLIENT_FILES, isProtectedLink, protectedBy } from "#sandbox/protected-names.ts";
import { type ConfigEntry, entryName, isPlain, parseGitConfig } from "#sandbox/git-config.ts";
import type { Entry } from "./inventory.ts";

/** As the inventory keeps it: paths a character a byte, relative to the tree. */
export type Listing = ReadonlyMap<string, Entry>;

export const findingKinds = [
  ...(["git hook", "git configuration", "git pointer", "rebase that runs commands", "client settings"] as const),
  ...(["protected name", "link at a protected name", "setuid or setgid", "socket", "pipe", "device"] as const),
] as const;
export type FindingKind = (typeof findingKinds)[number];
/** `ids` say what it is and in which state, so that what was there before a run is known again. */
export type Finding = { path: string; kind: FindingKind; detail: string | null; ids: string[] };

const MAX_FILE_BYTES = 1024 * 1024;
const S_IFMT = 0o170000;
const SPECIAL: Record<number, FindingKind> = {
  0o140000: "socket",
  0o010000: "pipe",
  0o020000: "device",
  0o060000: "device",
};
const SET_ID = 0o6000;

const at = (folder: string, name: string) => (folder === "" ? name : `${folder}/${name}`);
const folderOf = (path: string) => (path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "");
const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);
const inode = (stamp: string) => stamp.split(":")[0]!;
const hash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** Folders that git takes for a repository, whatever they are called (setup.c, is_git_directory). */
function gitFolders(listing: Listing): Set<string> {
  const found = new Set<string>();
  for (const [path, { kind }] of listing) {
    const folder = folderOf(path);
    const has = (name: string) => listing.has(at(folder, name));
    if (nameOf(path) === ".git" && kind === "dir") found.add(path);
    else if (nameOf(path) === "HEAD" && ((has("objects") && has("refs")) || has("commondir"))) found.add(folder);
  }
  return found;
}

const CLIENTS = new Set([...CLIENT_FILES, ...CLIENT_DIRS]);

/** Names that are read by a client in whatever folder it is started: the entry itself, not what is in it. */
function isClientSetting(path: string): boolean {
  return (CLIENTS.has(nameOf(path)) || nameOf(folderOf(path)) === ".claude") && protectedBy(path) === path;
}

const GIT_NAMES = new Set([
  ...[".git", "HEAD", "objects", "refs", "commondir", "config", "config.worktree", "hooks", "git-rebase-todo"],
  ...["alternates", "http-alternates"],
]);

/** Whether an entry can matter to `findTraps`, seen for itself. */
export function isTelling(path: string, { kind, mode }: Entry): boolean {
  const name = nameOf(path);
  return (
    GIT_NAMES.has(name) ||
    nameOf(folderOf(path)) === "hooks" ||
    SPECIAL[mode & S_IFMT] !== undefined ||
    (kind === "link" && isProtectedLink(name)) ||
    (kind === "file" && (mode & SET_ID) !== 0) ||
    isClientSetting(path)
  );
}

type Look = { root: string; inside: string; listing: Listing; repositories: ReadonlySet<string> };

const read = ({ root }: Look, path: string) =>
  readBeneath(root, Buffer.from(path, "latin1"), MAX_FILE_BYTES)?.toString("utf8");

function judgeConfig(look: Look, path: string, stamp: string): Finding[] {
  const text = read(look, path);
  const entries = text === undefined ? undefined : parseGitConfig(text);
  const unread = { path, kind: "git configuration" as const, detail: "not understood", ids: [`${path} ${stamp}`] };
  if (entries === undefined) return [unread];
  // A submodule's own repository lies away from its files and says where they are.
  const isModule = /(^|\/)\.git\/modules\//.test(path);
  const folder = posix.join(look.inside, folderOf(path));
  const isOwnFiles = (entry: ConfigEntry) =>
    isModule &&
    entryName(entry) === "core.worktree" &&
    posix.resolve(folder, entry.value ?? "/").startsWith(`${look.inside}/`);
  const running = entries.filter((entry) => !isPlain(entry) && !isOwnFiles(entry));
  if (running.length === 0) return [];
  return [
    {
      ...{ path, kind: "git configuration" },
      detail: [...new Set(running.map(entryName))].join(", "),
      ids: running.map((entry) => `${path} ${entryName(entry)} ${hash(entry.value ?? "")}`),
    },
  ];
}

function judgeGitFolder(look: Look, folder: string): Finding[] {
  const found: Finding[] = [];
  const { listing } = look;
  const whole = (path: string, kind: FindingKind, detail: string | null = null) =>
    found.push({ path, kind, detail, ids: [`${path} ${listing.get(path)!.stamp}`] });
  for (const name of ["config", "config.worktree"]) {
    const entry = listing.get(at(folder, name));
    if (entry !== undefined) found.push(...judgeConfig(look, at(folder, name), entry.stamp));
  }
  if (listing.get(at(folder, "hooks"))?.kind === "link") whole(at(folder, "hooks"), "git hook", "a link");
  const common = listing.get(at(folder, "commondir"));
  if (common !== undefined) {
    // A linked worktree's record takes its configuration from the repository it lies in, and from no other.
    const ordinary = nameOf(folderOf(folder)) === "worktrees" && look.repositories.has(folderOf(folderOf(folder)));
    if (!ordinary || read(look, at(folder, "commondir"))?.trim() !== "../..")
      whole(at(folder, "commondir"), "git pointer", "takes its configuration from elsewhere");
  }
  for (const name of ["alternates", "http-alternates"]) {
    const list = at(folder, `objects/info/${name}`);
    if (listing.has(list)) whole(list, "git pointer", "borrows objects from elsewhere");
  }
  const todo = at(folder, "rebase-merge/git-rebase-todo");
  if (listing.has(todo) && /^\s*(x|exec)\s/m.test(read(look, todo) ?? "exec ?"))
    whole(todo, "rebase that runs commands");
  return found;
}

/** A `.git` file names the repository: one that lies in the tree is judged itself, any other is none of ours to trust. */
function judgePointer(look: Look, path: string, stamp: string): Finding[] {
  const target = /^gitdir: (.*?)\n*$/s.exec(read(look, path) ?? "")?.[1];
  const folder = posix.join(look.inside, Buffer.from(folderOf(path), "latin1").toString("utf8"));
  const full = target === undefined ? undefined : posix.resolve(folder, target);
  const known = full?.startsWith(`${look.inside}/`)
    ? Buffer.from(full.slice(look.inside.length + 1), "utf8").toString("latin1")
    : undefined;
  if (known !== undefined && look.repositories.has(known)) return [];
  return [{ path, kind: "git pointer", detail: "leads out of the workspace", ids: [`${path} ${stamp}`] }];
}

/**
 * Everything of that kind below `root`, parents before what is in them. `inside` is the path the worker saw the tree at.
 */
export function findTraps(root: string, inside: string, listing: Listing): Finding[] {
  const look: Look = { root, inside, listing, repositories: gitFolders(listing) };
  const found = [...look.repositories].flatMap((folder) => judgeGitFolder(look, folder));
  for (const [path, { kind, mode, stamp }] of listing) {
    const add = (what: FindingKind, id: string) =>
      found.push({ path, kind: what, detail: null, ids: [`${path} ${id}`] });
    const special = SPECIAL[mode & S_IFMT];
    const parent = folderOf(path);
    if (special !== undefined) add(special, inode(stamp));
    else if (kind === "link" && isProtectedLink(nameOf(path))) add("link at a protected name", stamp);
    else if (isClientSetting(path)) add("client settings", stamp);
    else if (nameOf(path) === ".git" && kind === "file") found.push(...judgePointer(look, path, stamp));
    else if (nameOf(parent) === "hooks" && look.repositories.has(folderOf(parent)) && kind !== "dir") {
      if (!path.endsWith(".sample") || kind !== "file") add("git hook", stamp);
    }
    if (kind === "file" && (mode & SET_ID) !== 0) add("setuid or setgid", `${inode(stamp)} ${mode & SET_ID}`);
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}
