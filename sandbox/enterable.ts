// Whether a sandbox that root launches can be built where it is to be. In its user namespace root alone is mapped, so root's right to pass every
// folder ends at those of others (capabilities(7), "capable wrt inode"): what lies behind one that is closed to everybody else can be neither bound
// nor covered, and bwrap would give up in the middle.
// Does not stop: a folder that is closed between the look and the mount, or that an access control list opens (it is refused all the same); then
// bwrap ends, and nothing was run.

import { statSync } from "node:fs";
import { dirname } from "node:path";
import { BrokeError } from "#src/core/errors.ts";

type Owned = { uid: number; gid: number; mode: number };

/** Whether root, having only root's own ids, passes a folder. `groups` are those of the process. */
export function isEnterable({ uid, gid, mode }: Owned, groups: readonly number[]): boolean {
  if (uid === 0) return gid === 0 || (mode & 0o100) !== 0;
  return (mode & (groups.includes(gid) ? 0o010 : 0o001)) !== 0;
}

/** Throws `denied`, naming the folder, unless all these can be reached by a sandbox of this user's. What is not there is for others to say. */
export function requireEnterable(paths: readonly string[]): void {
  if (process.geteuid!() !== 0) return;
  const groups = [process.getegid!(), ...process.getgroups!()];
  const folders = new Set<string>();
  for (const path of paths) {
    for (let folder = dirname(path); !folders.has(folder); folder = dirname(folder)) folders.add(folder);
  }
  for (const folder of folders) {
    const stat = statSync(folder, { throwIfNoEntry: false });
    if (stat === undefined || isEnterable(stat, groups)) continue;
    throw new BrokeError(
      "denied",
      `${JSON.stringify(folder)} belongs to uid ${stat.uid} and is closed to others, so nothing in it can be shown or held`,
      "launch as its owner, let others pass it (chmod o+x), or make it root's",
    );
  }
}
