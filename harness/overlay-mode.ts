// `--workspace overlay`: the run works on the workspace as an overlay shows it, what it writes goes into a layer of its own, and nothing is copied. Taken
// over as a copy's work is (copy-mode.ts); only what is in that layer is the run's work, whatever becomes of the workspace meanwhile.
// Whoever looks at the tree must see it mounted: unmounted the folder is empty, and that is nobody's deletion.
// Does not stop: the person, or another run, from changing the workspace during the run, which the worker then sees, or does not: the kernel may keep
// what it found.

import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import type { RunPaths } from "#src/state/paths.ts";
import { isOpaque } from "#sandbox/opaque.ts";
import { openFolder } from "#sandbox/open.ts";
import { isMappedAlone, isOverlayAt } from "#sandbox/mount-table.ts";
import { below, showPath, walkTree } from "#sandbox/tree.ts";
import { bytes } from "./beneath.ts";
import { removeTree } from "./client-home.ts";
import { copyFileAt, copyLinkAt, COPY_LIMITS, refuseEntry, tooLarge } from "./copy-tree.ts";
import { entryOf, folderStamp } from "./inventory.ts";

/** As a copy's; `copy` is what an entry is where we put it back ourselves, and empty where what the workspace has shows through. */
export type OverlayManifest = { kind: "overlay"; entries: Record<string, { was: string; copy: string }> };

/** Throws `missing` unless the tree is to be seen by this process. */
export function requireOverlay({ tree }: Pick<RunPaths, "tree">): void {
  if (isOverlayAt(tree)) return;
  throw new BrokeError(
    "missing",
    "the run's tree is an overlay that is not mounted here",
    "broke's own commands mount it: `broke harness checkout`, `broke harness land`",
  );
}

/** The kernel closes the folder it works in to everybody, and nobody but root could then remove it by the ordinary means. */
export function openWork({ work }: Pick<RunPaths, "work">): void {
  for (const name of existsSync(work) ? readdirSync(work) : []) {
    const own = `${work}/${name}/work`;
    if (lstatSync(own, { throwIfNoEntry: false })?.isDirectory()) chmodSync(own, 0o700);
  }
}

type Look = { path: string; stat: BigIntStats };

/** Everything below a folder, by lstat(2) alone. Throws `denied` where that is not all of it. */
function lookAt(root: string): Look[] {
  const found: Look[] = [];
  for (const { path, stat } of walkTree(
    root,
    () => true,
    (path) => {
      throw refuseEntry(path);
    },
  )) {
    if (found.length >= COPY_LIMITS.entries) throw tooLarge(`more than ${COPY_LIMITS.entries} entries`);
    found.push({ path: path.toString("latin1"), stat });
  }
  return found;
}

/** Without the number, which in an overlay of two file systems is another one outside it. */
export const layerStamp = (stat: BigIntStats): string =>
  stat.isDirectory()
    ? folderStamp(stat.mode)
    : `${entryOf(stat).kind} ${stat.mode} ${stat.size} ${stat.mtimeNs}:${stat.ctimeNs}`;

/** What is somebody else's, where only the user is known, the kernel copies into no layer. Throws `denied`. */
function requireOwned(found: readonly Look[]): void {
  if (!isMappedAlone()) return;
  const [uid, gid] = [BigInt(process.getuid!()), BigInt(process.getgid!())];
  const others = found.filter(({ stat }) => stat.uid !== uid || stat.gid !== gid);
  if (others.length === 0) return;
  throw new BrokeError(
    "denied",
    `${others.length} entries of the workspace belong to another user or group, and could not be changed in an overlay: ${JSON.stringify(showPath(bytes(others[0]!.path)))}`,
    "make them your own, or use --workspace=copy",
  );
}

/**
 * What to compare with afterwards: no byte of the workspace is read. `stampOf` says of an entry of it whether it is still the same. What the overlay does
 * not show (an entry made to look like one of the kernel's own marks) is none: the run will not have deleted it.
 */
export function manifestOf(
  workspace: string,
  { tree }: Pick<RunPaths, "tree">,
  stampOf: (stat: BigIntStats) => string,
): OverlayManifest {
  const entries: OverlayManifest["entries"] = Object.create(null);
  const found = lookAt(workspace);
  requireOwned(found);
  for (const { path, stat } of found)
    if (lstatSync(below(tree, bytes(path)), { throwIfNoEntry: false }) !== undefined)
      entries[path] = { was: stampOf(stat), copy: stat.isDirectory() ? layerStamp(stat) : "" };
  return { kind: "overlay", entries };
}

/** What the layer holds of a path; undefined: nothing. */
function layered(upper: string, path: string): BigIntStats | undefined {
  try {
    return lstatSync(below(upper, bytes(path)), { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return undefined;
    throw new BrokeError("denied", "what the run wrote cannot be read whole", "look at it yourself: it is kept");
  }
}

/** Whether an entry of the tree is of the run's making: it is in the layer, and not as we put it there. */
export function isWritten(upper: string, path: string, copy: string | undefined): boolean {
  const stat = layered(upper, path);
  return stat !== undefined && (copy === undefined || layerStamp(stat) !== copy);
}

/**
 * Whether the layer says that an entry of the workspace is gone: a mark in its place (a device 0/0), something that is no folder above it, or a folder
 * that hides what lies below it. An entry that is merely not to be seen says nothing: the workspace may have been without it for a moment, and the
 * kernel keeps what it found.
 */
export function isDeleted(upper: string, path: string): boolean {
  const parts = path.split("/");
  for (let count = 1; count <= parts.length; count++) {
    const here = parts.slice(0, count).join("/");
    const stat = layered(upper, here);
    if (stat === undefined) return false;
    if (!stat.isDirectory()) return true;
    if (count < parts.length && isOpaque(below(upper, bytes(here)))) return true;
  }
  return false;
}

/** Whether a repository that was not there is of the run's making. */
export const isMade = (upper: string, repository: string): boolean =>
  layered(upper, repository)?.isFile() === true || layered(upper, `${repository}/HEAD`) !== undefined;

const CHUNK_BYTES = 256 * 1024;

/** Whether two plain files hold the same. */
function sameContent(one: Buffer, other: Buffer): boolean {
  const fds = [one, other].map((path) => openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW));
  try {
    const [a, b] = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)];
    for (;;) {
      const [left, right] = [readSync(fds[0]!, a), readSync(fds[1]!, b)];
      if (!a.subarray(0, left).equals(b.subarray(0, right))) return false;
      if (left === 0) return true;
    }
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

const PERMISSIONS = 0o777n;

/** Whether what is in the tree is what is in the workspace, its content too where that does not just show through. */
function isSame(workspace: string, tree: string, upper: string, { path, stat }: Look, now: BigIntStats): boolean {
  if (entryOf(stat).kind !== entryOf(now).kind || (stat.mode & PERMISSIONS) !== (now.mode & PERMISSIONS)) return false;
  if (stat.isDirectory() || layered(upper, path) === undefined) return true;
  const [one, other] = [below(workspace, bytes(path)), below(tree, bytes(path))];
  if (stat.isSymbolicLink())
    return readlinkSync(one, { encoding: "buffer" }).equals(readlinkSync(other, { encoding: "buffer" }));
  return !stat.isFile() || (stat.size === now.size && sameContent(one, other));
}

/** Sockets, pipes and devices: what is lost of them cannot be made again. */
const isOdd = (stat: BigIntStats) => !stat.isFile() && !stat.isDirectory() && !stat.isSymbolicLink();

function putBack(root: number, tree: string, { path, stat }: Look): void {
  const target = below(tree, bytes(path));
  if (stat.isDirectory()) mkdirSync(target, { mode: 0o700 });
  else if (stat.isSymbolicLink()) {
    const cut = path.lastIndexOf("/");
    const folder = below(`/proc/self/fd/${root}`, bytes(cut === -1 ? "." : path.slice(0, cut)));
    const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      copyLinkAt(fd, bytes(path.slice(cut + 1)), target);
    } finally {
      closeSync(fd);
    }
  } else if (copyFileAt(root, bytes(path), target) !== undefined) chmodSync(target, Number(stat.mode & PERMISSIONS));
}

const cannotUndo = () =>
  new BrokeError(
    "denied",
    "the overlay could not be made clean again",
    "`broke harness retry --broad` begins again from a new one",
  );

/**
 * Makes the tree what the workspace is now, by undoing what was written: what is mounted cannot be mounted anew from within. Returns what to compare with
 * afterwards. Throws `denied` unless the two are then found to be the same.
 */
export function cleanOverlay(
  workspace: string,
  { tree, upper }: Pick<RunPaths, "tree" | "upper">,
  stampOf: (stat: BigIntStats) => string,
): OverlayManifest {
  const wanted = lookAt(workspace);
  const names = new Map(wanted.map((look) => [look.path, look]));
  for (const { path } of [...walkAll(tree)]) {
    const look = names.get(path);
    const now = lstatSync(below(tree, bytes(path)), { bigint: true, throwIfNoEntry: false });
    if (now === undefined || (look?.stat.isDirectory() && now.isDirectory())) continue;
    if (look === undefined || !isSame(workspace, tree, upper, look, now)) removeTree(below(tree, bytes(path)));
  }
  const root = openFolder(workspace);
  try {
    for (const look of wanted) {
      const at = below(tree, bytes(look.path));
      if (!isOdd(look.stat) && lstatSync(at, { throwIfNoEntry: false }) === undefined) putBack(root, tree, look);
    }
  } finally {
    closeSync(root);
  }
  // Inside out, or a folder closed to us would keep what is in it from being made.
  for (const { path, stat } of wanted.filter((look) => look.stat.isDirectory()).toReversed()) {
    const at = below(tree, bytes(path));
    if (((lstatSync(at, { bigint: true }).mode ^ stat.mode) & PERMISSIONS) !== 0n)
      chmodSync(at, Number(stat.mode & PERMISSIONS));
  }
  return proveClean(workspace, { tree, upper }, wanted, stampOf);
}

/** Every path of the tree, folders that were closed to us opened first. */
function walkAll(tree: string): Look[] {
  const found: Look[] = [];
  const closed: Buffer[] = [];
  for (const { path, stat } of walkTree(
    tree,
    ({ path: folder, stat: had }) => {
      if ((had.mode & 0o700n) !== 0o700n) chmodSync(below(tree, folder), Number(had.mode & PERMISSIONS) | 0o700);
      return true;
    },
    (path) => closed.push(path),
  ))
    found.push({ path: path.toString("latin1"), stat });
  if (closed.length > 0) throw cannotUndo();
  return found;
}

function proveClean(
  workspace: string,
  { tree, upper }: Pick<RunPaths, "tree" | "upper">,
  wanted: Look[],
  stampOf: (stat: BigIntStats) => string,
): OverlayManifest {
  const left = new Map(lookAt(tree).map(({ path, stat }) => [path, stat]));
  const entries: OverlayManifest["entries"] = Object.create(null);
  for (const look of wanted) {
    const now = left.get(look.path);
    left.delete(look.path);
    if (now === undefined && isOdd(look.stat)) continue;
    if (now === undefined || !isSame(workspace, tree, upper, look, now)) throw cannotUndo();
    const own = layered(upper, look.path);
    const copy = now.isDirectory() ? layerStamp(now) : own === undefined ? "" : layerStamp(own);
    entries[look.path] = { was: stampOf(look.stat), copy };
  }
  if (left.size > 0) throw cannotUndo();
  return { kind: "overlay", entries };
}

/** What a run's work is in: gone with it. An overlay's is its layer; the folder it was mounted at stays as long as it is. */
export const workFolder = ({ tree, upper }: Pick<RunPaths, "tree" | "upper">): string =>
  existsSync(upper) ? upper : tree;
