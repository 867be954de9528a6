// A git repository as its files say, read without git and without following a link: where its objects are, its refs, its head. For
// repositories of the operator's and, as far as the head goes, for what a worker made of a clone.
// Does not stop: a repository that changes while it is read.

import { existsSync, lstatSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { readBeneath } from "#sandbox/open.ts";
import { showPath, utf8, walkTree } from "#sandbox/tree.ts";
import { type ConfigEntry, entryName, parseGitConfig } from "#sandbox/git-config.ts";
import { parseAlternates } from "./alternates.ts";
import { bytes } from "./beneath.ts";
import { requireObjects, requireSeen, type Sight } from "./borrowed.ts";

/** `ref` null: detached. `oid` null: nothing was committed yet, or it cannot be told. */
export type Head = { ref: string | null; oid: string | null };

export type Repository = {
  gitDir: string;
  /** Where objects, refs and configuration are; another folder for a linked worktree. */
  commonDir: string;
  /** Its objects' folder, then those it borrows from. */
  objects: string[];
  config: ConfigEntry[];
  head: Head;
  refs: ReadonlyMap<string, string>;
};

const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_ALTERNATES = 16;
const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const REF = /^refs\/(?!.*(\.\.|\/\/|@\{|\.lock$|\.$|\/$))[^\u0000- ~^:?*[\\\u007f]+$/;

const text = (folder: string, name: string) => readBeneath(folder, name, MAX_FILE_BYTES)?.toString("utf8");

function unsuited(why: string): BrokeError {
  return new BrokeError("denied", `the repository ${why}`, "use --workspace=copy");
}

/** The folder a `.git` names. */
function gitDirOf(sight: Sight): string {
  const { workspace } = sight;
  const path = join(workspace, ".git");
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) return path;
  const target = /^gitdir: (.*?)\n*$/s.exec((stat?.isFile() && text(workspace, ".git")) || "")?.[1];
  const folder = target === undefined ? undefined : resolve(workspace, target);
  if (folder !== undefined && existsSync(folder)) return requireSeen(folder, path, sight);
  throw new BrokeError(
    "denied",
    "the workspace is not the top folder of a git repository",
    "go there, or use --workspace=copy",
  );
}

function packedRefs(commonDir: string): [string, string][] {
  const lines = (text(commonDir, "packed-refs") ?? "").split("\n");
  return lines.flatMap((line): [string, string][] => {
    const [oid = "", name = ""] = line.split(" ");
    return OID.test(oid) && REF.test(name) ? [[name, oid]] : [];
  });
}

function readRefs(commonDir: string): Map<string, string> {
  const refs = new Map(packedRefs(commonDir));
  const root = join(commonDir, "refs");
  for (const { path, stat } of walkTree(
    root,
    () => true,
    () => {},
  )) {
    const name = `refs/${utf8(path) ?? ""}`;
    const oid = stat.isFile() && REF.test(name) ? text(root, name.slice("refs/".length))?.trim() : undefined;
    if (oid !== undefined && OID.test(oid)) refs.set(name, oid);
  }
  return refs;
}

/** The head of a repository, followed through at most five symbolic refs. */
export function readHead(gitDir: string, commonDir: string): Head {
  const first = text(gitDir, "HEAD")?.trim() ?? "";
  if (OID.test(first)) return { ref: null, oid: first };
  let name = /^ref: (.*)$/.exec(first)?.[1] ?? "";
  const ref = REF.test(name) ? name : null;
  for (let depth = 0; depth < 5 && REF.test(name); depth++) {
    const value = text(commonDir, name)?.trim() ?? new Map(packedRefs(commonDir)).get(name);
    if (value === undefined) break;
    if (OID.test(value)) return { ref, oid: value };
    name = /^ref: (.*)$/.exec(value)?.[1] ?? "";
  }
  return { ref, oid: null };
}

/** What the list of borrowed objects of a folder says; one that is there and cannot be read as what it is says nothing anybody could check. */
function alternatesOf(folder: string, file: string): Buffer[] {
  const said = readBeneath(folder, "info/alternates", MAX_FILE_BYTES);
  if (said === undefined && lstatSync(file, { throwIfNoEntry: false }) !== undefined)
    throw unsuited(`has a list of borrowed objects that cannot be read (${JSON.stringify(file)})`);
  return said === undefined ? [] : parseAlternates(said);
}

/** The folder that a list names, its links and dots resolved; undefined where none is there, which is none to git either. */
function borrowedFrom(folder: string, path: Buffer, file: string, sight: Sight): string | undefined {
  // Dots are resolved in the text, as git does.
  const whole = bytes(resolve(Buffer.from(folder).toString("latin1"), path.toString("latin1")));
  if (!existsSync(whole)) return undefined;
  const real = realpathSync(whole, { encoding: "buffer" });
  const text = utf8(real);
  if (text === null)
    throw unsuited(
      `borrows objects from ${JSON.stringify(showPath(real))}, whose path is not UTF-8 (${JSON.stringify(file)})`,
    );
  return requireObjects(text, file, sight);
}

function objectFolders(commonDir: string, sight: Sight): string[] {
  const own = join(commonDir, "objects");
  if (!lstatSync(own, { throwIfNoEntry: false })?.isDirectory()) throw unsuited("has no folder of objects of its own");
  const found = [requireObjects(own, commonDir, sight)];
  for (const folder of found) {
    const file = join(folder, "info/alternates");
    for (const path of alternatesOf(folder, file)) {
      const real = borrowedFrom(folder, path, file, sight);
      if (real !== undefined && !found.includes(real)) found.push(real);
      if (found.length > MAX_ALTERNATES) throw unsuited("borrows objects from too many others");
    }
  }
  return found;
}

/**
 * Reads the repository whose top folder the workspace is. Throws `denied` for one that cannot be cloned by its files, and for one whose files lead
 * to what the run may not see.
 */
export function readRepository(sight: Sight): Repository {
  const gitDir = gitDirOf(sight);
  const common = text(gitDir, "commondir")?.trim();
  const commonDir =
    common === undefined ? gitDir : requireSeen(resolve(gitDir, common), join(gitDir, "commondir"), sight);
  const config = parseGitConfig(text(commonDir, "config") ?? "");
  if (config === undefined) throw unsuited("has a configuration that cannot be read");
  const extension = (name: string) => config.findLast((entry) => entryName(entry) === `extensions.${name}`)?.value;
  if ((extension("refstorage") ?? "files") !== "files") throw unsuited("keeps its refs in a form of its own");
  if (extension("partialclone") !== undefined) throw unsuited("is a partial clone, whose objects are not all here");
  return {
    gitDir,
    commonDir,
    objects: objectFolders(commonDir, sight),
    config,
    head: readHead(gitDir, commonDir),
    refs: readRefs(commonDir),
  };
}
