// The mounts of file permissions: by chance, that what they come to at a path is what the permission means there, and that nothing above a
// mount can be renamed.

import { expect, test } from "bun:test";
import { dirname } from "node:path";
import { type Mount, readMounts } from "#sandbox/mount-list.ts";
import type { FilePermission } from "#sandbox/path-permission.ts";
import { isWithin } from "#sandbox/protected.ts";
import { shownWords } from "#sandbox/shown.ts";
import { type Access, accessAt, PATHS, SECRETS, somePermission } from "#test/support/permissions.ts";
import { seeded } from "#test/support/random.ts";

const SEED = Number(process.env["BROKE_SEED"] ?? 20_261_127);
const WORKSPACE = "/h/p/ws";
const NOTHING = { files: [], dirs: [], missing: [], masked: [], pins: [] };

function mountsOf(permission: FilePermission): Mount[] {
  const hidden = SECRETS.map((path) => ({ path, kind: "dir" as const }));
  const { words, files } = shownWords({
    shown: { permission, hidden, kept: [], trees: [] },
    ...{ workspace: WORKSPACE, tree: WORKSPACE, objects: [], protect: NOTHING },
  });
  const root = permission.anyRead
    ? [permission.anyWrite && !permission.denyAllWrites ? "--bind" : "--ro-bind", "/", "/"]
    : [];
  return readMounts({ words: [...root, ...words, "--"], files });
}

/** What a path is by its mounts: the last one that holds it. */
function mountedAt(mounts: Mount[], path: string): Access {
  const last = mounts.findLast((mount) => isWithin(mount.path, path));
  return { read: last?.kind === "read" || last?.kind === "write", write: last?.kind === "write" };
}

const probes = [...PATHS, WORKSPACE, `${WORKSPACE}/x`, "/h/.ssh/other", "/h/.ssh/id/x", "/h/p/x", "/h/p/q/x", "/x"];

test(`by chance (seed ${SEED}): mounts come to what the permission means`, () => {
  const random = seeded(SEED);
  for (let round = 0; round < 4000; round++) {
    const permission = somePermission(random);
    // A launch whose workspace is denied is refused.
    if (permission.denyRead.some(({ path }) => isWithin(path, WORKSPACE))) continue;
    const mounts = mountsOf(permission);
    // In a hidden folder that had to stay open for what was named in it: empty but for that.
    const emptied = (path: string) => SECRETS.includes(path) && mounts.some((mount) => mount.path === path);
    for (const path of probes.filter((each) => !emptied(each))) {
      const found = mountedAt(mounts, path);
      expect({ round, path, permission, ...found }).toEqual({
        round,
        path,
        permission,
        ...accessAt(permission, path, WORKSPACE),
      });
    }
  }
});

test(`by chance (seed ${SEED}): whatever is writable above a mount is a mount itself`, () => {
  const random = seeded(SEED + 1);
  for (let round = 0; round < 4000; round++) {
    const permission = somePermission(random);
    const mounts = mountsOf(permission);
    const points = new Set(mounts.map(({ path }) => path));
    for (const { path } of mounts) {
      for (let above = dirname(path); above !== "/"; above = dirname(above)) {
        if (mountedAt(mounts, dirname(above)).write)
          expect({ round, above, held: points.has(above) }).toMatchObject({ held: true });
      }
    }
  }
});

test(`by chance (seed ${SEED}): in a tree made from the workspace the same is mounted at the same places, from the tree`, () => {
  const random = seeded(SEED + 1);
  const protect = { files: [".npmrc"], dirs: [".git/hooks"], missing: [], masked: ["x/.env"], pins: [".git"] };
  const objects = [{ source: "/h/p/ws/.git/objects", target: "/h/p/ws/.git/borrowed" }];
  const fromTree = (path: string) => (isWithin(WORKSPACE, path) ? path.replace(WORKSPACE, "/runs/r/tree") : path);
  for (let round = 0; round < 1000; round++) {
    const shown = { permission: somePermission(random), hidden: [], kept: [], trees: [] };
    const direct = shownWords({ shown, protect, workspace: WORKSPACE, tree: WORKSPACE, objects });
    const made = shownWords({ shown, protect, workspace: WORKSPACE, tree: "/runs/r/tree", objects });
    expect(made.words).toEqual(direct.words);
    const sources = (plan: typeof made, map = (path: string) => path) =>
      plan.files.map((file) => {
        if (file.kind !== "path") return file.token;
        const source = file.beneath === undefined ? file.path : `${file.beneath}/${file.path}`;
        return objects.some((each) => each.source === source) ? source : map(source);
      });
    expect(sources(made)).toEqual(sources(direct, fromTree));
    // What was looked at is the workspace's own; the tree's is another file.
    expect(made.checks.filter(({ path }) => isWithin(WORKSPACE, path))).toEqual([]);
    for (const file of made.files)
      if (file.kind === "path" && file.path.startsWith("/runs/r/tree")) expect(file.id).toBeUndefined();
  }
});
