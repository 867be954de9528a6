// What of the host's files a run will be shown, gathered from the disk for the plan: folders allowed by name with what must be masked and
// protected in them, secrets and other people's homes that stay hidden, our own code that stays as it is.
// Does not stop: see sandbox/shown.ts.

import { existsSync, lstatSync, readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { type FilePermission, type PathEntry } from "#sandbox/path-permission.ts";
import type { Bind } from "#sandbox/plan.ts";
import { findProtected, isWithin, type ProtectedPaths } from "#sandbox/protected.ts";
import { wideNotes } from "#sandbox/profile-notes.ts";
import { isSecretName } from "#sandbox/protected-names.ts";
import { secretPlaces } from "#sandbox/secret-places.ts";
import { type Hidden, isShown, type Shown } from "#sandbox/shown.ts";
import { showPath, utf8, walkTree } from "#sandbox/tree.ts";
import { loadedFromAbove, ownPlaces } from "./workspace.ts";

const MAX_ENTRIES = 200_000;

/** A path as it is on disk; undefined when it is not there, or neither file nor folder. */
function standing(path: string): Hidden | undefined {
  try {
    const real = realpathSync(path);
    const stat = lstatSync(real);
    return stat.isDirectory() ? { path: real, kind: "dir" } : stat.isFile() ? { path: real, kind: "file" } : undefined;
  } catch {
    return undefined; // not there, or not for us to see
  }
}

/** `.env*` and sockets of a folder that is only read; nothing else in it needs holding. */
function findMasked(root: string): ProtectedPaths {
  const masked: string[] = [];
  let seen = 0;
  for (const { path: bytes, name, stat } of walkTree(
    root,
    () => true,
    () => {},
  )) {
    if (++seen > MAX_ENTRIES) {
      throw new BrokeError("denied", `${JSON.stringify(root)} is too large to check`, "name a smaller folder");
    }
    if (!stat.isSocket() && !(stat.isFile() && name !== null && isSecretName(name))) continue;
    const path = utf8(bytes);
    if (path === null) {
      throw new BrokeError("denied", `${JSON.stringify(showPath(bytes))} must be masked, and its path is not UTF-8`);
    }
    masked.push(path);
  }
  return { files: [], dirs: [], missing: [], masked, pins: [] };
}

/** What is protected in a folder that was allowed. Throws what `findProtected` throws, saying of which folder. */
function findIn(path: string): ProtectedPaths {
  try {
    return findProtected(path);
  } catch (error) {
    if (!(error instanceof BrokeError)) throw error;
    throw new BrokeError(error.kind, `in ${JSON.stringify(path)}, allowed for writing: ${error.message}`, error.hint);
  }
}

function treesOf({ read, write }: FilePermission, workspace: string): Shown["trees"] {
  const outside = (list: PathEntry[]) => list.filter(({ path, kind }) => kind === "dir" && !isWithin(workspace, path));
  const writable = outside(write);
  const onlyRead = outside(read).filter(({ path }) => !writable.some((other) => isWithin(other.path, path)));
  // What is missing gets no placeholder there: those are the workspace's, which a run holds alone.
  const held = (path: string): Shown["trees"][number] => {
    const found = findIn(path);
    const all = [...found.files, ...found.dirs, ...found.missing.map((item) => item.path)];
    const repositories = all.flatMap((name) => /^(?:.*\/)?\.git(?=\/)/.exec(name) ?? []);
    const indirect = [...new Set(repositories)].map((folder) => `${folder}/commondir`);
    const above = loadedFromAbove(path).map((name) => relative(path, name));
    const absent = [...found.missing.map((item) => item.path), ...indirect, ...above].filter(
      (name) => !existsSync(join(path, name)),
    );
    const standing = [...found.files, ...found.dirs, ...found.masked];
    const pins = found.pins.filter((pin) => standing.some((item) => item.startsWith(`${pin}/`)));
    return { path, writable: true, protect: { ...found, missing: [], pins }, absent };
  };
  // The workspace has rules of its own, and may be another tree inside.
  const beside = (tree: Shown["trees"][number]): Shown["trees"][number] => {
    const isBeside = (name: string) => !isWithin(workspace, join(tree.path, name));
    const { files, dirs, masked, pins } = tree.protect;
    const protect = {
      ...{ files: files.filter(isBeside), dirs: dirs.filter(isBeside), missing: [] },
      ...{ masked: masked.filter(isBeside), pins: pins.filter(isBeside) },
    };
    return { ...tree, protect, absent: tree.absent.filter(isBeside) };
  };
  const readable = onlyRead.map(({ path }) => ({ path, writable: false, protect: findMasked(path), absent: [] }));
  return [...readable, ...writable.map(({ path }) => held(path))].map(beside);
}

/** Homes that are not the person's own. */
function othersHomes(home: string | undefined): string[] {
  const listed = existsSync("/home") ? readdirSync("/home").map((name) => join("/home", name)) : [];
  return ["/root", ...listed].filter((path) => path !== home);
}

/**
 * The permission for a tree made from the workspace. What of the workspace is denied and not there needs no denying, unless it could be made: throws
 * `denied`, because nothing could hold it.
 */
export function filesInTree(permission: FilePermission, workspace: string, tree: string): FilePermission {
  if (tree === workspace) return permission;
  const isAbsent = ({ path }: PathEntry) =>
    isWithin(workspace, path) && !existsSync(join(tree, relative(workspace, path)));
  const gone = permission.denyWrite.find(isAbsent);
  if (gone !== undefined) {
    throw new BrokeError(
      "denied",
      `${JSON.stringify(gone.path)} is not in the tree made from the workspace, and so cannot be held there`,
      "deny a folder above it, or use --workspace=direct",
    );
  }
  return { ...permission, denyRead: permission.denyRead.filter((entry) => !isAbsent(entry)) };
}

/**
 * What is hidden although what holds it is shown, unless it is named itself: BROKE_HOME, secrets, other people's homes. Those that are on disk;
 * `folders` are what is allowed by name.
 */
export function hiddenPlaces(
  brokeHomes: string[],
  env: Record<string, string | undefined>,
  folders: string[],
): Hidden[] {
  const home = standing(env.HOME ?? homedir())?.path;
  const places = new Set([...brokeHomes, ...secretPlaces(home, folders), ...othersHomes(home)]);
  return [...places].map(standing).filter((item) => item !== undefined);
}

/** What the permission shows. Throws `denied` on a folder that is too large to be looked through, or that holds a link at a protected name. */
export function gatherShown(
  permission: FilePermission,
  {
    workspace,
    brokeHomes,
    tools,
    env,
  }: { workspace: string; brokeHomes: string[]; tools: Bind[]; env: Record<string, string | undefined> },
): Shown {
  const asked: Shown = { permission, hidden: [], kept: [], trees: [] };
  const folders = [...permission.read, ...permission.write]
    .filter(({ kind }) => kind === "dir")
    .map(({ path }) => path);
  // What lies in the workspace is the workspace's, which has rules of its own.
  const hidden = hiddenPlaces(brokeHomes, env, folders).filter(
    ({ path }) => !isWithin(workspace, path) && isShown(asked, workspace, path),
  );
  // What runs outside, too, later: ourselves, and the programs that clients are.
  const programs = tools.flatMap((bind) => ("source" in bind ? [bind.source] : []));
  const tops = permission.anyWrite ? ["/"] : permission.write.map(({ path }) => path);
  const own = ownPlaces();
  // What is named in it is no more to be written than all of it.
  const named = permission.write.map(({ path }) => path).filter((path) => own.some((place) => isWithin(place, path)));
  const places = [...own, ...named, ...tops.flatMap(loadedFromAbove), ...programs];
  const kept = [...new Set(places)].map(standing).filter((item) => item !== undefined);
  const written = tops.length > 0;
  const inReach = kept.filter(({ path }) => written && !isWithin(workspace, path) && isShown(asked, workspace, path));
  return { permission, hidden, kept: inReach, trees: treesOf(permission, workspace) };
}

/** What of the file permissions does not hold as it reads, in words. */
export function weakFiles(permission: FilePermission, env: Record<string, string | undefined>): string[] {
  const { anyRead, anyWrite, denyRead, denyWrite, write } = permission;
  const home = standing(env.HOME ?? homedir())?.path;
  const holdsHome = home !== undefined && write.some(({ path }) => isWithin(path, home));
  const wide = anyWrite ? [wideNotes.write] : anyRead ? [wideNotes.read] : [];
  if (holdsHome) wide.push(wideNotes.home);
  const linked = [...denyRead, ...denyWrite].filter(({ links }) => links > 1).length;
  return [
    ...wide,
    ...(linked === 0 ? [] : [`${linked} denied files have other names (hard links), by which they are reached`]),
  ];
}
