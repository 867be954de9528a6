// What a repository's own files may bring into a sandbox from outside the workspace: the folders that `.git`, `commondir` and the lists of
// borrowed objects lead to. A worker of an earlier run, or anybody whose repository it is, may have written those files, so what they name is held
// to the rules of every path of the host's that is given to a run, and of a folder of objects nothing is shown but objects.
// Does not stop: another repository of the same person's from being borrowed from, where a file that was there before says so; the list being
// changed by somebody outside between the look and the mount.

import { lstatSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { type FilePermission, neverShown } from "#sandbox/path-permission.ts";
import { isWithin } from "#sandbox/protected.ts";
import { hiddenPlaces } from "./shown.ts";
import { brokeHomes } from "./unprotected.ts";

/** From where a run is launched, and what it may not see. All canonical. */
export type Sight = { workspace: string; brokeHomes: string[]; hidden: string[]; files: FilePermission };

/** What these permissions let a repository's files lead to. */
export function sightOf(
  { workspace, files }: { workspace: string; files: FilePermission },
  brokeHome: string,
  env: Record<string, string | undefined>,
): Sight {
  const homes = brokeHomes(brokeHome);
  return { workspace, files, brokeHomes: homes, hidden: hiddenPlaces(homes, env, []).map(({ path }) => path) };
}

const HINT =
  "take that out of the file (`git repack -ad` first makes a repository whole that borrows objects), or use --workspace=copy";
const quote = (path: string) => JSON.stringify(path);

function refuse(from: string, path: string, why: string): never {
  throw new BrokeError("denied", `${quote(from)} leads to ${quote(path)}, which ${why}`, HINT);
}

const isNamed = ({ read, write }: FilePermission, place: string, path: string) =>
  [...read, ...write].some((entry) => isWithin(place, entry.by) && isWithin(entry.path, path));

/** The real path of what the file `from` leads to. Throws `denied` where a run may not see it. */
export function requireSeen(path: string, from: string, sight: Sight): string {
  const { workspace, hidden, files } = sight;
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    refuse(from, path, "is not there, or not for you to see");
  }
  if (files.denyRead.some((entry) => isWithin(entry.path, real))) refuse(from, real, "is denied (--deny-read)");
  if (isWithin(workspace, real)) return real;
  const { dev, ino } = lstatSync(real, { bigint: true });
  const never = neverShown({ path: real, id: `${dev}:${ino}` }, sight.brokeHomes);
  if (never !== undefined) refuse(from, real, never.why);
  const place = hidden.find((folder) => isWithin(folder, real) && !isNamed(files, folder, real));
  if (place !== undefined) refuse(from, real, `is in ${quote(place)}, which is shown only where it is named`);
  return real;
}

const statOf = (path: string) => lstatSync(path, { throwIfNoEntry: false });

/** Whether a folder is where a repository keeps its objects, by its name and by what is beside it. */
function holdsObjects(path: string): boolean {
  const head = statOf(join(dirname(path), "HEAD"));
  const isRepository = head?.isDirectory() === false && statOf(join(dirname(path), "refs"))?.isDirectory() === true;
  return basename(path) === "objects" && isRepository && statOf(path)?.isDirectory() === true;
}

/** The folder of objects that the file `from` leads to. Throws `denied` where it is none, or a run may not see all of it. */
export function requireObjects(path: string, from: string, sight: Sight): string {
  const real = requireSeen(path, from, sight);
  if (!holdsObjects(real)) refuse(from, real, "is no folder of a repository's objects");
  const closed = [...sight.brokeHomes, ...sight.files.denyRead.map((entry) => entry.path)];
  if (closed.some((folder) => isWithin(real, folder)))
    refuse(from, real, "holds what no run is shown, or what is denied");
  return real;
}

const PART = /^(pack|info|[0-9a-f]{2})$/;

/**
 * What of a folder of objects is shown: all of it (`""`) where it holds nothing else, for a mount each would cost a run as much as all the others;
 * else by name. Throws `denied` where it is no such folder any more.
 */
export function objectParts(path: string): string[] {
  if (!holdsObjects(path))
    throw new BrokeError("denied", `${quote(path)} is no folder of a repository's objects`, "`git fsck` says more");
  const names = readdirSync(path);
  const parts = names.filter((name) => PART.test(name) && statOf(join(path, name))?.isDirectory());
  return parts.length === names.length ? [""] : parts;
}
