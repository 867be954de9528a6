// Whether somebody outside the sandbox (an editor) may be asked for a file of the workspace in a client's name: what the client could read or write there
// itself, by a path with no link in it, and nothing that is protected or masked, whatever was opened. Looks at the disk, and asks nobody.
// Does not stop: a path that becomes another after it was looked at (harness/outside.ts holds the sandbox still for that); other names (hard links) of a
// file that is read.

import { lstatSync } from "node:fs";
import { isAbsolute, join, normalize, relative } from "node:path";
import type { PlanInput } from "./plan.ts";
import { isWithin } from "./protected.ts";
import { isAtOrBelow, isSecretName, protectedBy } from "./protected-names.ts";

export type OutsideAct = "read" | "write";
/** `id` names every folder above it as it is now; `size` undefined: there is no such file yet. `absent`: not even its folder is there. */
export type Reach =
  { kind: "reached"; id: string; size: number | undefined } | { kind: "absent" } | { kind: "refused"; why: string };
export type OutsideInput = Pick<
  PlanInput,
  "workspace" | "tree" | "treeId" | "protect" | "shown" | "emptied" | "replaced"
>;

const refused = (why: string): Reach => ({ kind: "refused", why });

/** Why the plan keeps a path of the workspace from being asked for; undefined: it does not. */
function ruleAgainst(
  { protect, shown, emptied, replaced = [] }: OutsideInput,
  act: OutsideAct,
  path: string,
  name: string,
) {
  const { denyRead, denyWrite, denyAllWrites } = shown.permission;
  const parts = name.split("/");
  const lies = (names: readonly string[]) => names.some((each) => isAtOrBelow(each, name));
  if (denyRead.some((entry) => isWithin(entry.path, path))) return "reading it is denied";
  if (parts.includes(".git") || parts.some(isSecretName) || lies(protect.masked)) return "it is not shown";
  if (lies(emptied) || replaced.some((each) => each.path === name)) return "it is shown as something else";
  if (act === "read") return undefined;
  if (denyAllWrites || denyWrite.some((entry) => isWithin(entry.path, path))) return "writing it is denied";
  const held = [...protect.files, ...protect.dirs, ...protect.missing.map((item) => item.path)];
  return protectedBy(name) !== undefined || lies(held) ? "it is protected" : undefined;
}

/** Looks at every folder on the way and at the file. Anything but plain ones is refused, and a file with other names to write by. */
function follow(workspace: string, act: OutsideAct, name: string): Reach {
  const parts = name.split("/");
  const ids: string[] = [];
  for (let depth = 0; depth < parts.length; depth++) {
    const stat = lstatSync(join(workspace, ...parts.slice(0, depth)), { bigint: true, throwIfNoEntry: false });
    if (stat === undefined) return { kind: "absent" };
    if (!stat.isDirectory()) return refused("what holds it is no plain folder");
    ids.push(`${stat.dev}:${stat.ino}`);
  }
  const stat = lstatSync(join(workspace, name), { bigint: true, throwIfNoEntry: false });
  if (stat?.isFile() === false) return refused("it is no plain file");
  if (act === "write" && stat !== undefined && stat.nlink > 1n) return refused("it has other names");
  return { kind: "reached", id: ids.join(" "), size: stat === undefined ? undefined : Number(stat.size) };
}

/** Looks at a path. Never throws: what cannot be looked at is refused. */
export function reachOutside(input: OutsideInput, act: OutsideAct, path: string): Reach {
  const { workspace, tree, treeId } = input;
  if (tree !== workspace) return refused("the run works on a tree of its own");
  const isPlain = isAbsolute(path) && normalize(path) === path && path.isWellFormed() && !path.includes("\0");
  if (!isPlain || path === workspace || !isWithin(workspace, path)) return refused("it is not in the workspace");
  const name = relative(workspace, path);
  const rule = ruleAgainst(input, act, path, name);
  if (rule !== undefined) return refused(rule);
  try {
    const reach = follow(workspace, act, name);
    const moved = reach.kind === "reached" && treeId !== undefined && reach.id.split(" ")[0] !== treeId;
    return moved ? refused("the workspace is another folder now") : reach;
  } catch {
    return refused("it cannot be looked at");
  }
}
