// Other paths at which a folder can be reached because its file system, or a part of it, is mounted a second time. Pure.
// Does not stop: a folder seen through another file system (overlay, network, a container's storage), or by a raw device.

import { join, relative } from "node:path";
import { isWithin } from "./protected.ts";

type MountEntry = { device: string; root: string; point: string };

/** proc_pid_mountinfo(5): id, parent, device, root, mount point, …; blanks and the like as \040. */
function parseMounts(mountinfo: string): MountEntry[] {
  const plain = (text: string) =>
    text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  return mountinfo.split("\n").flatMap((line) => {
    const [, , device, root, point] = line.split(" ");
    if (device === undefined || root === undefined || point === undefined) return [];
    return [{ device, root: plain(root), point: plain(point) }];
  });
}

/** The mount a path is on: the deepest, of several at one point the last. */
function mountOf(mounts: MountEntry[], path: string): MountEntry | undefined {
  const holding = mounts.filter(({ point }) => isWithin(point, path));
  const deepest = Math.max(...holding.map(({ point }) => point.length));
  return holding.findLast(({ point }) => point.length === deepest);
}

/** The other paths of a folder, by the text of /proc/self/mountinfo. `path` is absolute and canonical. */
export function aliasesOf(path: string, mountinfo: string): string[] {
  const mounts = parseMounts(mountinfo);
  const own = mountOf(mounts, path);
  if (own === undefined) return [];
  const inner = join(own.root, relative(own.point, path));
  const others = mounts
    .filter(({ device, root }) => device === own.device && isWithin(root, inner))
    .map((mount) => ({ mount, alias: join(mount.point, relative(mount.root, inner)) }))
    // What another mount covers is not reached.
    .filter(({ mount, alias }) => alias !== path && mountOf(mounts, alias) === mount);
  return [...new Set(others.map(({ alias }) => alias))];
}
