// Lands a worktree: what the run committed and what it left uncommitted becomes one commit in the supervisor's own repository, its objects are
// checked while they are fetched, and it ends as `refs/broke/runs/<run>` of the operator's repository. Nothing of the worker's configuration is
// read: its objects and its head are data. Merging is the operator's.
// Does not stop: what the operator merges from being run later.

import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { isOpened, isProtectedLink, protectedBy } from "#sandbox/protected-names.ts";
import { showPath } from "#sandbox/tree.ts";
import { type CloneOrigin, cloneOriginSchema, fileStamps } from "./clone-mode.ts";
import { AT_LANDING, AT_TREE, git, items, objectsAt, tryGit } from "./git.ts";
import { borrowedBinds } from "./git-skeleton.ts";
import { readHead } from "./repository.ts";
import { readStored } from "./stored.ts";

export type CloneLanding = {
  landed: string[];
  held: string[];
  /** The refs with the result and, where something uncommitted was carried over, with what the run began at. */
  ref: string | null;
  startRef: string | null;
};

const NUL = Buffer.alloc(1);
const RESULT = "refs/heads/result";
const START = "refs/heads/start";
const CHECKED = "checked";
const QUIETLY = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules"];

export const readOrigin = (file: string): CloneOrigin => readStored(file, cloneOriginSchema);

type Ask = (args: string[], stdin?: Uint8Array) => Buffer;

/** Brings the index up to what the run left: the files it changed, but for new ones that are ignored and repositories in the tree. */
function stageChanges(ask: Ask, tree: string, origin: CloneOrigin): void {
  const now = fileStamps(tree);
  const known = new Set(
    items(ask(["ls-files", "-z", "-c", "-o", "--exclude-standard"])).map((path) => path.toString("latin1")),
  );
  const paths = new Set([...Object.keys(now), ...Object.keys(origin.files)]);
  const changed = [...paths].filter((path) => known.has(path) && now[path] !== origin.files[path]);
  const gone = Object.keys(origin.files).filter((path) => now[path] === undefined);
  const list = [...new Set([...changed, ...gone])].map((path) => Buffer.from(path, "latin1"));
  if (list.length === 0) return;
  ask(
    ["update-index", "-z", "--add", "--remove", "--replace", "--stdin"],
    Buffer.concat(list.flatMap((path) => [path, NUL])),
  );
}

/** A link or a submodule (gitlink): what stands there then is whatever it leads to. */
const LEADS_AWAY = new Set(["120000", "160000"]);

type Touched = { path: string; leadsAway: boolean };

/** Every path, a character a byte, that the result, or a commit on the way to it, has otherwise than at the start. */
function touched(ask: Ask, { head, start }: CloneOrigin, result: string): Touched[] {
  const begin = start === null ? [] : items(ask(["ls-tree", "-r", "-z", "--full-tree", start]));
  const before = new Set(begin.map((line) => line.toString("latin1").replace(/^\d+ \w+ /, "")));
  const base = head === null ? [] : [`^${head}`];
  const raw = items(
    ask(["log", "-m", "--root", "--raw", "--no-abbrev", "--no-renames", "-z", "--format=", result, ...base]),
  );
  const onTheWay = changesOf(raw).filter(({ oid, path }) => !before.has(`${oid}\t${path}`));
  const inTheEnd =
    start === null
      ? []
      : changesOf(items(ask(["diff-tree", "-r", "-z", "--no-abbrev", "--no-renames", start, result])));
  const found = new Map<string, Touched>();
  for (const { path, mode } of [...onTheWay, ...inTheEnd]) {
    const leadsAway = LEADS_AWAY.has(mode) || found.get(path)?.leadsAway === true;
    found.set(path, { path, leadsAway });
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The entries of a raw diff: the new mode and object of every path. */
function changesOf(raw: Buffer[]): { path: string; mode: string; oid: string }[] {
  return raw.flatMap((item, index) => {
    const [, mode, oid] = /^:\d+ (\d+) [0-9a-f]+ ([0-9a-f]+) [A-Z]\d*$/.exec(item.toString("latin1")) ?? [];
    const path = raw[index + 1]?.toString("latin1");
    return mode === undefined || oid === undefined || path === undefined ? [] : [{ path, mode, oid }];
  });
}

/**
 * Puts the result of a run into the operator's repository. Throws `denied` where it cannot be put together, or objects are not sound. Nothing
 * is landed while protected names are among what was changed (`held`), but for those opened.
 */
export function landClone(
  runId: string,
  { tree, landing, origin: file }: { tree: string; landing: string; origin: string },
  opened: readonly string[],
): CloneLanding {
  const origin = readOrigin(file);
  const borrowed = borrowedBinds(origin.objects, landing);
  const ours = [{ path: landing, target: AT_LANDING, write: true }, ...borrowed];
  const binds = [...ours, { path: tree, target: AT_TREE, write: false }];
  const run = (args: string[], stdin?: Uint8Array) => ({
    args: [`--git-dir=${AT_LANDING}`, `--work-tree=${AT_TREE}`, ...args],
    binds,
    ...(stdin === undefined ? {} : { stdin }),
  });
  const own: Ask = (args, stdin) => git(run(args, stdin));
  const checked: Ask = (args) => git({ args: [`--git-dir=${AT_LANDING}/${CHECKED}`, ...args], binds: ours });
  borrowFrom(landing, [...origin.objects.map((_, index) => objectsAt(index)), `${AT_TREE}/.git/objects`]);
  stageChanges(own, tree, origin);
  const at = readHead(join(tree, ".git"), join(tree, ".git")).oid ?? origin.start;
  const head = at !== null && tryGit(run(["cat-file", "-e", `${at}^{commit}`])).ok ? at : origin.start;
  const final = own(["write-tree"]).toString().trim();
  const treeOf = (commit: string) =>
    own(["rev-parse", `${commit}^{tree}`])
      .toString()
      .trim();
  // The run committed nothing: its work is on top of what it began with, the operator's uncommitted changes apart.
  const parent = head === origin.head ? origin.start : head;
  const result =
    parent !== null && treeOf(parent) === final
      ? parent
      : own(["commit-tree", final, ...(parent === null ? [] : ["-p", parent]), "-m", `Work of ${runId}`])
          .toString()
          .trim();
  if (result === origin.start) return { landed: [], held: [], ref: null, startRef: null };
  const carried = origin.start !== null && origin.start !== origin.head;
  own(["update-ref", RESULT, result]);
  if (carried) own(["update-ref", START, origin.start!]);
  makeChecked(landing, origin);
  const specs = [`+${RESULT}:${RESULT}`, ...(carried ? [`+${START}:${START}`] : [])];
  git({ args: [`--git-dir=${AT_LANDING}/${CHECKED}`, "fetch", ...QUIETLY, AT_LANDING, ...specs], binds });
  const paths = touched(checked, origin, result);
  const isHeld = ({ path, leadsAway }: Touched) =>
    protectedBy(path) !== undefined ||
    isOpened(origin.running, path) ||
    (leadsAway && isProtectedLink(path.split("/").at(-1)!));
  const held = paths.filter((item) => isHeld(item) && !isOpened(opened, item.path));
  const shown = (list: Touched[]) => list.map(({ path }) => showPath(Buffer.from(path, "latin1")));
  if (held.length > 0) return { landed: [], held: shown(held), ref: null, startRef: null };
  return { landed: shown(paths), held: [], ...fetchInto(runId, origin, ours, carried) };
}

const borrowFrom = (repository: string, folders: string[]) =>
  writeFileSync(join(repository, "objects/info/alternates"), folders.map((folder) => `${folder}\n`).join(""));

/**
 * A repository that borrows from the operator's alone. What is fetched into it is hashed anew, so what is read there cannot be one thing here
 * and another in the operator's: a worker can write any content under any name into its own objects.
 */
function makeChecked(landing: string, { head, objects }: CloneOrigin): void {
  const path = join(landing, CHECKED);
  rmSync(path, { recursive: true, force: true });
  for (const folder of ["objects/info", "objects/pack", "refs/heads"])
    mkdirSync(join(path, folder), { recursive: true, mode: 0o700 });
  for (const name of ["config", "shallow"])
    if (existsSync(join(landing, name))) copyFileSync(join(landing, name), join(path, name));
  writeFileSync(join(path, "HEAD"), "ref: refs/heads/none\n");
  if (head !== null) writeFileSync(join(path, "packed-refs"), `${head} refs/base/head\n`);
  borrowFrom(
    path,
    objects.map((_, index) => objectsAt(index)),
  );
}

function fetchInto(
  runId: string,
  { commonDir, objects }: CloneOrigin,
  binds: { path: string; target: string; write: boolean }[],
  carried: boolean,
): Pick<CloneLanding, "ref" | "startRef"> {
  if (!existsSync(commonDir)) throw new BrokeError("missing", "the repository is gone", "the run's tree is kept");
  const [ref, startRef] = [`refs/broke/runs/${runId}`, `refs/broke/starts/${runId}`];
  mkdirSync(join(commonDir, "refs/broke"), { recursive: true, mode: 0o755 });
  const inPlace = [
    { path: commonDir, target: commonDir, write: false },
    { path: join(commonDir, "objects"), target: join(commonDir, "objects"), write: true },
    { path: join(commonDir, "refs/broke"), target: join(commonDir, "refs/broke"), write: true },
    ...objects.slice(1).map((path) => ({ path, target: path, write: false })),
  ];
  const specs = [`+${RESULT}:${ref}`, ...(carried ? [`+${START}:${startRef}`] : [])];
  const from = `${AT_LANDING}/${CHECKED}`;
  // A submodule's repository says where its files are, which are not there in the sandbox, and without which git does nothing.
  const args = [`--git-dir=${commonDir}`, `--work-tree=${AT_LANDING}`, "fetch", ...QUIETLY, from, ...specs];
  git({ args, binds: [...binds, ...inPlace] });
  return { ref, startRef: carried ? startRef : null };
}
