// JUnit files that a verification command left in the tree it ran in: what its runner says of itself, whatever it printed and however it ended.
// Does not stop: a command that writes such a file itself, or writes it elsewhere.

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { below, walkTree } from "#sandbox/tree.ts";
import { parseJunit } from "./junit.ts";
import { resultsOf, type TestResults } from "./results.ts";

const MAX_FILES = 100;
const MAX_BYTES = 8 * 1024 * 1024;
/** Folders of other people's files, and of git's. */
const APART: ReadonlySet<string> = new Set(["node_modules", ".git"]);

function readPlain(path: Buffer): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    return stat.isFile() && stat.size <= MAX_BYTES ? readFileSync(fd, "utf8") : undefined;
  } catch {
    return undefined; // gone, or not to be read: as little said as by none
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Several results of one runner as one. */
function together(found: readonly TestResults[]): TestResults | undefined {
  if (found.length === 0) return undefined;
  const sum = (of: (results: TestResults) => number) => found.reduce((total, results) => total + of(results), 0);
  return resultsOf("junit", {
    passed: sum(({ passed }) => passed ?? 0),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
    failedNames: found.flatMap(({ failedNames }) => failedNames),
    skippedNames: found.flatMap(({ skippedNames }) => skippedNames),
  });
}

/** What the JUnit files below `root` say that were written since then; undefined where there is none. */
export function junitSince(root: string, sinceMs: number): TestResults | undefined {
  const found: TestResults[] = [];
  let looked = 0;
  for (const { path, name, stat } of walkTree(
    root,
    (entry) => !APART.has(entry.name ?? ""),
    () => {},
  )) {
    if (!stat.isFile() || name?.endsWith(".xml") !== true || Number(stat.ctimeNs) / 1e6 <= sinceMs) continue;
    if (++looked > MAX_FILES) break;
    const results = parseJunit(readPlain(below(root, path)) ?? "");
    if (results !== undefined) found.push(results);
  }
  return together(found);
}
