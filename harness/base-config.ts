// What of a pull request tells agents and tools how to behave, as the branch has it that the request is for: a client then reads the base's
// instructions and settings in place of those that come with the change it works on. A file that only the change has is shown empty.
// Does not stop: code of the change from being run by the worker; a file that the change took away stays away.

import { mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import { CLIENT_DIRS } from "#sandbox/protected-names.ts";
import { below, utf8, walkTree } from "#sandbox/tree.ts";
import type { Sight } from "./borrowed.ts";
import { readBounded } from "./contract/files.ts";
import { AT_LANDING, git, items, tryGit } from "./git.ts";
import { borrowedBinds, makeGitDir } from "./git-skeleton.ts";
import { readRepository } from "./repository.ts";

/** A file of the workspace that is shown with other content; `path` is relative to it. */
export type Replaced = { path: string; bytes: Uint8Array };

const NAMES = new Set(
  ["CLAUDE.md", "CLAUDE.local.md", "AGENTS.md", "AGENTS.override.md", "GEMINI.md", ".mcp.json", ".npmrc"].concat(
    ...["bunfig.toml", "broke.toml", ".envrc"],
  ),
);
const FOLDERS = new Set([".claude", ".husky", ...CLIENT_DIRS]);
/** Packages bring their own; nobody reads those as instructions. */
const APART = new Set([".git", "node_modules"]);
const MAX_FILES = 256;
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_EVENT_BYTES = 8 * 1024 * 1024;

/** Whether a path of a workspace tells agents or tools how to behave. */
export function isConfiguration(path: string): boolean {
  const parts = path.split("/");
  if (parts.some((part) => APART.has(part))) return false;
  return NAMES.has(parts.at(-1)!) || parts.slice(0, -1).some((part) => FOLDERS.has(part));
}

const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const eventSchema = v.object({ pull_request: v.object({ base: v.object({ sha: v.pipe(v.string(), v.regex(OID)) }) }) });

/** The commit a pull request is for, by the event of the job; undefined: it is none. */
export function baseOfEvent(env: Record<string, string | undefined>): string | undefined {
  const path = env["GITHUB_EVENT_PATH"];
  if (env["GITHUB_ACTIONS"] !== "true" || !/^pull_request/.test(env["GITHUB_EVENT_NAME"] ?? "") || !path)
    return undefined;
  const parsed = v.safeParse(eventSchema, parseJson(readBounded(path, "CI event", MAX_EVENT_BYTES)));
  if (parsed.success) return parsed.output.pull_request.base.sha;
  throw new BrokeError(
    "usage",
    "the event of the pull request names no base",
    "use --trust head if you trust what it brings",
  );
}

/** Whose configuration counts: `--trust` as written; by default the base's for a pull request. Returns the base's commit, null for the change's own. */
export function chooseTrust(asked: string | undefined, env: Record<string, string | undefined>): string | null {
  if (asked !== undefined && asked !== "base" && asked !== "head")
    throw new BrokeError("usage", "unknown trust", "use --trust base or --trust head");
  if (asked === "head") return null;
  const commit = baseOfEvent(env);
  if (commit !== undefined || asked === undefined) return commit ?? null;
  throw new BrokeError("usage", "there is no pull request here, so no base", "--trust base is for a job of one");
}

type BaseFile = { oid: string; link: boolean };

/** The configuration of a commit of the workspace's repository. */
export type BaseReader = { paths: ReadonlyMap<string, BaseFile>; read(path: string): Buffer | undefined };

/** Calls `use` with a reader of the commit's configuration. Throws `denied` when the commit is not there, as in a shallow checkout. */
export function withBase<Result>(sight: Sight, commit: string, use: (base: BaseReader) => Result): Result {
  const repository = readRepository(sight);
  const scratch = mkdtempSync(join(tmpdir(), "broke-base-"));
  try {
    const landing = join(scratch, "git");
    mkdirSync(landing, { mode: 0o700 });
    makeGitDir(landing, repository, true);
    writeFileSync(join(landing, "empty"), "");
    const binds = [{ path: landing, target: AT_LANDING, write: false }, ...borrowedBinds(repository.objects, landing)];
    const ask = (...args: string[]) => git({ args: [`--git-dir=${AT_LANDING}`, ...args], binds });
    if (!tryGit({ args: [`--git-dir=${AT_LANDING}`, "cat-file", "-e", `${commit}^{tree}`], binds }).ok) {
      throw new BrokeError(
        "denied",
        "the base of the pull request is not in this checkout",
        "check out with its history (fetch-depth: 0), or use --trust head",
      );
    }
    const paths = new Map<string, BaseFile>();
    for (const item of items(ask("ls-tree", "-r", "-z", commit))) {
      const [head = "", path] = (utf8(item) ?? "").split("\t");
      const [mode, kind, oid = ""] = head.split(" ");
      if (kind === "blob" && path !== undefined && isConfiguration(path))
        paths.set(path, { oid, link: mode === "120000" });
    }
    const content = (path: string) => {
      const file = paths.get(path);
      return file === undefined ? undefined : ask("cat-file", "blob", file.oid);
    };
    return use({
      paths,
      read(path) {
        const bytes = content(path);
        if (bytes === undefined || !paths.get(path)!.link) return bytes;
        return content(posix.join(dirname(path), bytes.toString("utf8")));
      },
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Whether a name is a folder's whose files are all configuration. */
const isFolderOfIt = (path: string) => isConfiguration(`${path}/any`);

/** Every path of a tree that is configuration, with whether it is a link; one in the place of a folder is too. */
function configurationOf(tree: string): Map<string, { link: boolean }> {
  const found = new Map<string, { link: boolean }>();
  const enter = ({ name }: { name: string | null }) => name === null || !APART.has(name);
  for (const { path, stat } of walkTree(tree, enter, () => {})) {
    const name = utf8(path);
    const link = stat.isSymbolicLink();
    if (name === null || !(stat.isFile() || link)) continue;
    if (isConfiguration(name) || (link && isFolderOfIt(name))) found.set(name, { link });
  }
  return found;
}

/** A link is as good as what it leads to: another such file in the tree, or another such folder. */
function checkLink(tree: string, path: string, known: ReadonlyMap<string, unknown>): void {
  const target = readlinkSync(below(tree, Buffer.from(path)), "utf8");
  const full = posix.join(posix.dirname(path), target).replace(/\/$/, "");
  const isFolder = () => isFolderOfIt(full) && [...known.keys()].some((name) => name.startsWith(`${full}/`));
  if (!target.startsWith("/") && (known.has(full) || isFolder())) return;
  throw new BrokeError(
    "denied",
    `${path} is a link to something else, and the base's cannot be shown in its place`,
    "use --trust head if you trust what the change brings",
  );
}

/** What of the tree is shown as the base has it. Throws `denied` where that cannot be. */
export function replacedByBase(sight: Sight, tree: string, commit: string): Replaced[] {
  const here = configurationOf(tree);
  if (here.size > MAX_FILES)
    throw new BrokeError("denied", "there is too much configuration to take from the base", "use --trust head");
  return withBase(sight, commit, (base) => {
    const replaced: Replaced[] = [];
    let bytes = 0;
    for (const [path, { link }] of here) {
      if (link) {
        checkLink(tree, path, here);
        continue;
      }
      const content = base.read(path) ?? Buffer.alloc(0);
      if ((bytes += content.length) > MAX_BYTES)
        throw new BrokeError("denied", "the base's configuration is too large to be shown", "use --trust head");
      replaced.push({ path, bytes: content });
    }
    return replaced;
  });
}
