// File permissions by chance over a few paths, and what one comes to at a path: by its meaning, told apart from how it is mounted.

import { type FilePermission, noFilePermission, type PathEntry } from "#sandbox/path-permission.ts";
import { isWithin } from "#sandbox/protected.ts";
import type { Random } from "./random.ts";

export const PATHS = ["/h", "/h/.ssh", "/h/.ssh/id", "/h/p", "/h/p/q", "/h/p/q/r", "/h/p/ws/in", "/h2"];
/** What is hidden in what holds it. */
export const SECRETS = ["/h/.ssh"];

const entryOf = (path: string): PathEntry => ({ path, id: path, kind: "dir", links: 1, by: path });

/** A permission, of all the same chance but for what contradicts itself. */
export function somePermission(random: Random): FilePermission {
  const list = () => PATHS.filter(() => random.chance(1 / 3)).map(entryOf);
  const anyWrite = random.chance(1 / 4);
  return {
    ...noFilePermission,
    ...{ anyRead: anyWrite || random.chance(1 / 4), anyWrite, denyAllWrites: random.chance(1 / 6) },
    ...{ read: list(), write: list() },
    ...{ denyRead: list().slice(0, 1), denyWrite: list().slice(0, 2) },
  };
}

export type Access = { read: boolean; write: boolean };

/** What may be done at a path. `workspace` is written to by itself. */
export function accessAt(permission: FilePermission, path: string, workspace?: string): Access {
  const holds = (list: PathEntry[]) => list.some((entry) => isWithin(entry.path, path));
  const named = [...permission.read, ...permission.write];
  const hidden = SECRETS.some(
    (secret) =>
      isWithin(secret, path) && !named.some((entry) => isWithin(secret, entry.by) && isWithin(entry.path, path)),
  );
  if (hidden || holds(permission.denyRead)) return { read: false, write: false };
  const inWorkspace = workspace !== undefined && isWithin(workspace, path);
  const denied = holds(permission.denyWrite) || permission.denyAllWrites;
  const write = (permission.anyWrite || inWorkspace || holds(permission.write)) && !denied;
  return { read: permission.anyRead || inWorkspace || holds(named), write };
}
