// File permissions, spelled as Deno spells them: which paths of the host a run is shown, and which it is not although they lie in what it is
// shown. Paths are resolved once, here; what is mounted later must still be the very same file or folder (`id`). Deny always wins, also over
// something more particular that is allowed.
// Does not stop: a file that is denied from being read by another name it has (a hard link) in what is shown; the run's warnings count them.

import * as v from "valibot";
import { lstatSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import type { ListFlags } from "./permission-flags.ts";
import { isProtectedPath, isWithin } from "./protected.ts";

/** A file or folder of the host as it was when it was named: canonical path, and `dev:ino`. */
export const pathEntrySchema = v.strictObject({
  path: v.string(),
  id: v.string(),
  kind: v.picklist(["file", "dir"]),
  /** How many names it has. */
  links: v.number(),
  /** The widest path it is allowed by: itself, or what holds it in another set that allows it. Secrets in that are shown only by name. */
  by: v.string(),
});
export type PathEntry = v.InferOutput<typeof pathEntrySchema>;

const entries = v.array(pathEntrySchema);
/** `any…`: the host's files as a whole. What may be written may be read. */
export const filePermissionSchema = v.strictObject({
  anyRead: v.boolean(),
  anyWrite: v.boolean(),
  read: entries,
  write: entries,
  /** The workspace itself, and whatever else would be writable, is not. */
  denyAllWrites: v.boolean(),
  denyRead: entries,
  denyWrite: entries,
});
export type FilePermission = v.InferOutput<typeof filePermissionSchema>;
export const noFilePermission: FilePermission = {
  ...{ anyRead: false, anyWrite: false, read: [], write: [] },
  ...{ denyAllWrites: false, denyRead: [], denyWrite: [] },
};

/** Where a run is launched, which some paths may not touch. All canonical. */
export type Surroundings = { workspace: string; brokeHomes: string[] };

const HINT = "paths are files or folders that exist, separated by commas; a comma in a name is written twice";
/** Made anew inside, or the way to other people's services: never the host's. */
const NEVER = ["/proc", "/sys", "/dev", "/run", "/var/run"];
/** Folders that the sandbox has of its own below these: a mount there would cover them, or make folders on the host. */
const HOLDS_OWN = ["/", "/home", "/opt", "/etc", "/var"];
const OWN = ["/home/agent", "/opt/broke"];
/** Without these nothing starts. */
const NEEDED = ["/usr/bin", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/lib", "/lib64"];

const quote = (path: string) => JSON.stringify(path);

/** The paths of comma lists; `,,` is a comma in a path, as in Deno. Throws `usage` on an empty one. */
export function splitPaths(flag: string, lists: string[]): string[] {
  const words = lists.flatMap((list) =>
    list
      .replaceAll(",,", "\0")
      .split(",")
      .map((word) => word.replaceAll("\0", ",")),
  );
  if (words.includes("")) throw new BrokeError("usage", `${flag}: a path is missing`, HINT);
  return words;
}

function entryOf(flag: string, word: string, cwd: string): PathEntry {
  let path: string;
  try {
    path = realpathSync(resolve(cwd, word));
  } catch {
    const hint = word.startsWith("~") ? "the shell left the ~ as it is: write $HOME" : HINT;
    throw new BrokeError("usage", `${flag}: ${quote(word)} does not exist, or is not for you to see`, hint);
  }
  const stat = lstatSync(path, { bigint: true });
  const kind = stat.isDirectory() ? "dir" : stat.isFile() ? "file" : undefined;
  if (kind === undefined) throw new BrokeError("usage", `${flag}: ${quote(word)} is neither a file nor a folder`, HINT);
  return { path, id: `${stat.dev}:${stat.ino}`, kind, links: kind === "file" ? Number(stat.nlink) : 1, by: path };
}

function resolveLists(flag: string, lists: string[], cwd: string): PathEntry[] {
  const found = splitPaths(flag, lists).map((word) => entryOf(flag, word, cwd));
  return found.filter(({ path }, index) => found.findIndex((other) => other.path === path) === index);
}

/** Why no run is shown a path of the host's, whoever names it; undefined: it may be. */
export function neverShown(
  { path, id }: Pick<PathEntry, "path" | "id">,
  brokeHomes: string[],
): { why: string; hint: string } | undefined {
  const isHome = (folder: string) => {
    const stat = lstatSync(folder, { bigint: true, throwIfNoEntry: false });
    return stat !== undefined && id === `${stat.dev}:${stat.ino}`;
  };
  if (brokeHomes.some((folder) => isWithin(folder, path) || isHome(folder))) {
    return { why: "is in BROKE_HOME, which no run is shown", hint: "put what the run needs elsewhere" };
  }
  if (NEVER.some((folder) => isWithin(folder, path))) {
    return { why: "is never the host's own inside", hint: "a run has its own /proc and /dev, and no /sys and /run" };
  }
  if (HOLDS_OWN.includes(path)) {
    const hint = "name what you need in it; `--allow-read` alone is everything";
    return { why: "holds folders of the sandbox's own", hint };
  }
  if (OWN.some((folder) => isWithin(folder, path))) {
    return { why: "is where the sandbox has folders of its own", hint: "move it elsewhere" };
  }
  return undefined;
}

function checkAllowed(flag: string, entry: PathEntry, { brokeHomes }: Surroundings): void {
  const never = neverShown(entry, brokeHomes);
  if (never !== undefined) throw new BrokeError("denied", `${flag}: ${quote(entry.path)} ${never.why}`, never.hint);
}

function checkDenied(flag: string, { path }: PathEntry, { workspace }: Surroundings): void {
  if (isWithin(path, workspace)) {
    throw new BrokeError("usage", `${flag}: ${quote(path)} holds the workspace`, "then there is nothing to work on");
  }
  if (NEEDED.some((needed) => isWithin(path, needed))) {
    throw new BrokeError("usage", `${flag}: ${quote(path)} holds what every program needs`, "name what is in it");
  }
}

function refuseClash(allowFlag: string, allow: PathEntry[], denyFlag: string, deny: PathEntry[]): void {
  const clash = allow.find(({ path }) => deny.some((other) => other.path === path));
  if (clash === undefined) return;
  const how = allowFlag.slice(2).replace("allow-", "");
  throw new BrokeError("usage", `${denyFlag}: ${quote(clash.path)} is both allowed (${how}) and denied`, HINT);
}

/**
 * The permission that flags give, paths relative to the workspace. Reads the file system. Throws `usage` on a path that is not there and on
 * flags that contradict one another, `denied` on a path no run is shown.
 */
export function resolveFilePermission(read: ListFlags, write: ListFlags, around: Surroundings): FilePermission {
  if (read.denyAll) {
    throw new BrokeError(
      "usage",
      "--deny-read without a path leaves nothing to work on",
      "name what is not to be read",
    );
  }
  if (write.denyAll && (write.any || write.allow.length > 0 || write.deny.length > 0)) {
    throw new BrokeError(
      "usage",
      "--deny-write without a path denies every write",
      "leave out the other write options",
    );
  }
  const lists = (flag: string, given: string[]) => resolveLists(flag, given, around.workspace);
  const permission: FilePermission = {
    anyRead: read.any || write.any,
    anyWrite: write.any,
    read: lists("--allow-read", read.allow),
    write: lists("--allow-write", write.allow),
    denyAllWrites: write.denyAll,
    denyRead: lists("--deny-read", read.deny),
    denyWrite: lists("--deny-write", write.deny),
  };
  for (const entry of permission.read) checkAllowed("--allow-read", entry, around);
  for (const entry of permission.write) {
    checkAllowed("--allow-write", entry, around);
    if (isProtectedPath(entry.path)) {
      const why = "is protected: what is in it runs for others";
      throw new BrokeError("denied", `--allow-write: ${quote(entry.path)} ${why}`, "name the folder that holds it");
    }
  }
  for (const entry of permission.denyRead) checkDenied("--deny-read", entry, around);
  refuseClash("--allow-read", permission.read, "--deny-read", permission.denyRead);
  refuseClash("--allow-write", permission.write, "--deny-read", permission.denyRead);
  refuseClash("--allow-write", permission.write, "--deny-write", permission.denyWrite);
  return permission;
}

/** A list of paths, or everything. */
type Reach = { any: boolean; list: PathEntry[] };

/** The entries of one that the other allows too, each by the wider of the two. */
function within(inner: Reach, outer: Reach): PathEntry[] {
  return inner.list.flatMap((entry) => {
    const around = outer.list.filter(({ path }) => isWithin(path, entry.path)).map(({ by }) => by);
    const [nearest = outer.any ? "/" : undefined] = around.sort((a, b) => b.length - a.length);
    if (nearest === undefined) return [];
    return [{ ...entry, by: isWithin(nearest, entry.by) ? nearest : entry.by }];
  });
}

function both(a: Reach, b: Reach): PathEntry[] {
  const found = [...within(a, b), ...within(b, a)].sort((x, y) => y.by.length - x.by.length);
  return found.filter(({ path }, index) => found.findIndex((other) => other.path === path) === index);
}

/** What both allow; what either denies is denied. */
export function intersectFiles(a: FilePermission, b: FilePermission): FilePermission {
  const reads = ({ anyRead, read, write }: FilePermission): Reach => ({ any: anyRead, list: [...read, ...write] });
  const writes = ({ anyWrite, write }: FilePermission): Reach => ({ any: anyWrite, list: write });
  return {
    anyRead: a.anyRead && b.anyRead,
    anyWrite: a.anyWrite && b.anyWrite,
    read: both(reads(a), reads(b)),
    write: both(writes(a), writes(b)),
    denyAllWrites: a.denyAllWrites || b.denyAllWrites,
    denyRead: [...a.denyRead, ...b.denyRead],
    denyWrite: [...a.denyWrite, ...b.denyWrite],
  };
}
