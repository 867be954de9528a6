// What of the host's files a run is shown beside the system's: permissions, the workspace, what is protected, hidden and masked in all of it,
// as mounts in one order: from the outside in, and at the same path the stronger last. So nothing that is mounted later ever uncovers what
// was denied. Pure.
// Does not stop: other names of a denied file (hard links) in what is shown; a folder above a denied path from being replaced by another
// process between the check and the mount (the same file or folder is still wanted then: `id`).

import { dirname, join, relative } from "node:path";
import type { PlanFile } from "./mounts.ts";
import { type FilePermission, noFilePermission } from "./path-permission.ts";
import { isWithin, type ProtectedPaths } from "./protected.ts";

export type Hidden = { path: string; kind: "file" | "dir" };

/** What a run is shown. All paths absolute and canonical, those in `protect` relative to their tree. */
export type Shown = {
  permission: FilePermission;
  /** Hidden although what holds it may be shown: BROKE_HOME, secrets, other people's homes. */
  hidden: Hidden[];
  /** Read-only, with all that is in it, although what holds it may be writable: our own code. */
  kept: Hidden[];
  /** Folders allowed by name, with what in them is protected and masked, and protected names they do not have; not what is the workspace's. */
  trees: { path: string; writable: boolean; protect: ProtectedPaths; absent: string[] }[];
};

export const nothingShown: Shown = { permission: noFilePermission, hidden: [], kept: [], trees: [] };

/** One mount. `rank` orders mounts at the same path: shown, pinned, read-only, masked. */
type Layer = { path: string; rank: 0 | 1 | 2 | 3; words: string[]; files: PlanFile[] };
/** A path that must still be this `dev:ino`. */
export type Check = { path: string; id: string };
/** `places` are where on the host all of it is. */
type Words = { words: string[]; files: PlanFile[]; checks: Check[]; places: string[] };

/** What a run has of its own although the host's root is shown. */
const OWN_PLACES = ["/tmp", "/run", "/dev", "/proc", "/sys"];
const TINY = ["--size", "4096"];

const named = ({ read, write }: FilePermission) => [...read, ...write];

/** Whether a path of the host is shown at all, the workspace's with it, before anything in it is hidden. */
export function isShown({ permission }: Shown, workspace: string, path: string): boolean {
  if (permission.anyRead || isWithin(workspace, path)) return true;
  return named(permission).some((entry) => isWithin(entry.path, path));
}

function isWritable({ permission, kept }: Shown, workspace: string, path: string): boolean {
  if (permission.denyAllWrites || permission.denyWrite.some((entry) => isWithin(entry.path, path))) return false;
  if (isWithin(workspace, path)) return true;
  // Also where it is named, or pinned for something in it.
  if (kept.some((item) => isWithin(item.path, path))) return false;
  if (permission.anyWrite) return true;
  return permission.write.some((entry) => isWithin(entry.path, path));
}

/** What a run works on: shown at `workspace`, it is the workspace itself or a tree made from it, with objects that tree borrows. */
type Work = {
  workspace: string;
  tree: string;
  treeId?: string | undefined;
  objects: { source: string; target: string }[];
};

/** Where on the host is what stands at a path inside. */
function sourceOf(path: string, { workspace, tree }: Work): string {
  return isWithin(workspace, path) ? join(tree, relative(workspace, path)) : path;
}

function bound(
  path: string,
  beneath: string | undefined,
  writable: boolean,
  { target = beneath === undefined ? path : join(beneath, path), id }: { target?: string; id?: string } = {},
): Pick<Layer, "words" | "files"> {
  const option = writable ? "--bind-fd" : "--ro-bind-fd";
  const token = `{path:${option}:${target}}`;
  return {
    words: [option, token, target],
    files: [{ kind: "path", token, path, beneath, ...(id === undefined ? {} : { id }) }],
  };
}

/** A file or folder that says EACCES to whoever opens it, and of which nobody may change the mode. */
function closed({ path, kind }: Hidden): Pick<Layer, "words" | "files"> {
  if (kind === "dir") return { words: ["--perms", "000", ...TINY, "--tmpfs", path, "--remount-ro", path], files: [] };
  const token = `{data:closed:${path}}`;
  return {
    words: ["--perms", "000", "--ro-bind-data", token, path],
    files: [{ kind: "data", token, bytes: new Uint8Array() }],
  };
}

function treeLayers(shown: Shown, work: Work, root: string, protect: ProtectedPaths): Layer[] {
  const writable = (path: string) => isWritable(shown, work.workspace, join(root, path));
  const source = sourceOf(root, work);
  const inside = (path: string, mayWrite: boolean) => bound(path, source, mayWrite, { target: join(root, path) });
  const readOnly = [...protect.files, ...protect.dirs, ...protect.missing.map((item) => item.path)];
  const byName = new Set(named(shown.permission).flatMap(({ path, by }) => (path === by ? [path] : [])));
  const opened = protect.masked.filter((path) => byName.has(join(root, path)));
  return [
    ...protect.pins.filter(writable).map((path): Layer => ({ path: join(root, path), rank: 1, ...inside(path, true) })),
    ...[
      ...readOnly,
      ...opened.filter((path) => !shown.permission.write.some((entry) => entry.path === join(root, path))),
    ].map((path): Layer => ({ path: join(root, path), rank: 2, ...inside(path, false) })),
    ...protect.masked
      .filter((path) => !opened.includes(path))
      .map((path): Layer => ({
        path: join(root, path),
        rank: 3,
        words: ["--ro-bind", "/dev/null", join(root, path)],
        files: [],
      })),
  ];
}

/**
 * The writable folders above a mount, each held in its place: renamed, it would take the mount along and leave the name free for something else.
 * Where the host's root is shown, not those the run has of its own.
 */
function pinsAbove(shown: Shown, work: Work, mounted: string): Layer[] {
  const { workspace } = work;
  const { anyWrite, write } = shown.permission;
  const own = (path: string) => OWN_PLACES.some((place) => isWithin(place, path));
  const held = (path: string) =>
    [workspace, ...write.map((entry) => entry.path)].some((root) => isWithin(root, path)) || (anyWrite && !own(path));
  const pins: Layer[] = [];
  for (let path = dirname(mounted); path !== "/"; path = dirname(path)) {
    if (held(path) && isWritable(shown, workspace, path))
      pins.push({ path, rank: 1, ...bound(sourceOf(path, work), undefined, true, { target: path }) });
  }
  return pins;
}

/** Whether the person named something in it; `whole`: it itself. */
function isNamed(permission: FilePermission, path: string): { whole: boolean; within: boolean } {
  const inside = named(permission).filter(({ by }) => isWithin(path, by));
  return { whole: inside.some((entry) => entry.path === path), within: inside.length > 0 };
}

/** The mounts, and the words that close what had to stay open while things were mounted in it. */
export function shownWords({ shown, protect, ...work }: { shown: Shown; protect: ProtectedPaths } & Work): Words {
  const { permission } = shown;
  const { workspace } = work;
  const made = work.tree !== workspace;
  // What a made tree holds is another file than the one that was looked at.
  const sameAs = (path: string, id: string) => ({
    target: path,
    ...(made && isWithin(workspace, path) ? {} : { id }),
  });
  const layers: Layer[] = [];
  const inside = (path: string) => isShown(shown, workspace, path);
  const writable = (path: string) => isWritable(shown, workspace, path);
  const same = work.treeId === undefined ? {} : { id: work.treeId };
  const whole = bound(work.tree, undefined, writable(workspace), { target: workspace, ...same });
  layers.push({ path: workspace, rank: 0, ...whole });
  for (const { source, target } of work.objects)
    layers.push({ path: target, rank: 2, ...bound(source, undefined, false, { target }) });
  for (const { path, id } of named(permission)) {
    if (!isWithin(workspace, path)) layers.push({ path, rank: 0, ...bound(path, undefined, writable(path), { id }) });
  }
  layers.push(...treeLayers(shown, work, workspace, protect));
  for (const tree of shown.trees) layers.push(...treeLayers(shown, work, tree.path, tree.protect));
  for (const { path, id } of permission.denyWrite.filter((entry) => inside(entry.path))) {
    layers.push({ path, rank: 2, ...bound(sourceOf(path, work), undefined, false, sameAs(path, id)) });
  }
  for (const { path } of shown.kept.filter((item) => inside(item.path))) {
    layers.push({ path, rank: 2, ...bound(path, undefined, false) });
  }
  const covers: { path: string; open: boolean }[] = [];
  const seal: string[] = [];
  for (const item of shown.hidden.filter(({ path }) => inside(path) && !isWithin(path, workspace))) {
    const { whole, within } = isNamed(permission, item.path);
    if (whole) continue;
    const open = within && item.kind === "dir";
    covers.push({ path: item.path, open });
    if (open) {
      seal.push("--remount-ro", item.path);
      layers.push({ path: item.path, rank: 3, words: ["--perms", "0755", ...TINY, "--tmpfs", item.path], files: [] });
    } else layers.push({ path: item.path, rank: 3, ...closed(item) });
  }
  for (const entry of permission.denyRead) {
    // Also where only something in it would be shown.
    covers.push({ path: entry.path, open: false });
    if (inside(entry.path)) layers.push({ path: entry.path, rank: 3, ...closed(entry) });
  }
  layers.push(...layers.flatMap(({ path }) => pinsAbove(shown, work, path)));
  const isCovered = ({ path, rank }: Layer) =>
    covers.some((cover) => {
      if (path === cover.path) return rank < 3;
      if (!isWithin(cover.path, path)) return false;
      return (
        !cover.open || !named(permission).some((entry) => isWithin(cover.path, entry.by) && isWithin(entry.path, path))
      );
    });
  const depth = (path: string) => (path === "/" ? 0 : path.split("/").length);
  const ordered = layers
    .filter((layer) => !isCovered(layer))
    .sort((a, b) => depth(a.path) - depth(b.path) || a.rank - b.rank);
  const unique = ordered.filter(
    (layer, index) => ordered.findIndex((other) => other.words.join("\0") === layer.words.join("\0")) === index,
  );
  const checks = permission.denyRead
    .filter(({ path }) => !made || !isWithin(workspace, path))
    .map(({ path, id }) => ({ path, id }));
  const borrowed = new Map(work.objects.map(({ source, target }) => [target, source]));
  return {
    words: [...unique.flatMap(({ words }) => words), ...seal],
    places: unique.map(({ path }) => borrowed.get(path) ?? sourceOf(path, work)),
    files: unique.flatMap(({ files }) => files),
    checks,
  };
}
