// What would have to be green, and whether it is: after a test of the worker's own has ended the supervisor runs the contract's commands, or, where
// there are none, that very test, on a copy of the tree. Decides nothing.
// Does not stop: a tree that was made to pass: what is run is what is in it.

import { existsSync } from "node:fs";
import { posix, relative, join } from "node:path";
import type { ObservedExec } from "#sandbox/observer.ts";
import type { Proof } from "../verification.ts";

const quote = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;

/** A test as it was asked for, as a shell's words. Undefined where it cannot be repeated. */
export function repeated({ path, argv, cut, cwd }: ObservedExec): string | undefined {
  if (path === null || cwd === null || cut || argv.length === 0) return undefined;
  return `cd ${quote(cwd)} && exec ${[path, ...argv.slice(1)].map(quote).join(" ")}`;
}

/** Whether `python -m name` would find the worker's own module of that name before the installed one. */
export function isShadowed(
  { argv, cwd }: ObservedExec,
  { workspace, tree }: { workspace: string; tree: string },
): boolean {
  const at = argv.findIndex((word) => /^-[a-zA-Z]*m$/.test(word));
  const name = at === -1 ? undefined : argv[at + 1]?.split(".")[0];
  if (name === undefined || cwd === null) return false;
  if (!/^\w+$/.test(name) || !posix.normalize(`${cwd}/`).startsWith(`${workspace}/`)) return true;
  const folder = join(tree, relative(workspace, cwd));
  return existsSync(join(folder, name)) || existsSync(join(folder, `${name}.py`));
}

/** Whether a proof frees. The operator's own commands need no tests in them; the worker's must say that tests ran. */
export const frees = ({ green, ran }: Proof, named: boolean): boolean => green && (named || ran);
