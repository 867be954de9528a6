// JUnit files that a verification command left in the tree it ran in: what its runner says of itself, whatever it printed and however it ended.
// Bounded by what is read; where there was more, the results are partial, which is a finding.
// Does not stop: a command that writes such a file itself, or writes it elsewhere.

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { below, walkTree } from "#sandbox/tree.ts";
import { beginsSuite, parseJunit } from "./junit.ts";
import { resultsOf, type TestResults } from "./results.ts";

/** Of all files together. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Enough of a file to say whether it begins with a test suite. */
const HEAD_BYTES = 16 * 1024;
/** Folders of other people's files, and of git's. */
const APART: ReadonlySet<string> = new Set(["node_modules", ".git"]);

/** A file's text; `none` where it is no test suite, or cannot be read: as little said as by none. `more`: larger than what may be read still. */
type Read = { kind: "text"; text: string; bytes: number } | { kind: "none" } | { kind: "more" };

function readSome(fd: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let length = 0;
  for (let read = -1; read !== 0 && length < bytes; length += read)
    read = readSync(fd, buffer, length, bytes - length, length);
  return buffer.subarray(0, length);
}

function readSuite(path: Buffer, limitBytes: number): Read {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile() || !beginsSuite(readSome(fd, Math.min(stat.size, HEAD_BYTES)).toString("utf8")))
      return { kind: "none" };
    if (stat.size > limitBytes) return { kind: "more" };
    return { kind: "text", text: readSome(fd, stat.size).toString("utf8"), bytes: stat.size };
  } catch {
    return { kind: "none" };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Several results of one runner as one. */
function together(found: readonly TestResults[], partial: boolean): TestResults | undefined {
  if (found.length === 0 && !partial) return undefined;
  const sum = (of: (results: TestResults) => number) => found.reduce((total, results) => total + of(results), 0);
  return resultsOf("junit", {
    passed: sum(({ passed }) => passed ?? 0),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
    failedNames: found.flatMap(({ failedNames }) => failedNames),
    skippedNames: found.flatMap(({ skippedNames }) => skippedNames),
    ...(partial ? { state: "partial" as const } : {}),
  });
}

/** What the JUnit files below `root` say that were written since then, up to `limitBytes` of them; undefined where there is none. */
export function junitSince(root: string, sinceMs: number, limitBytes = MAX_BYTES): TestResults | undefined {
  const found: TestResults[] = [];
  let left = limitBytes;
  let partial = false;
  for (const { path, name, stat } of walkTree(
    root,
    (entry) => !APART.has(entry.name ?? ""),
    () => {},
  )) {
    if (!stat.isFile() || name?.endsWith(".xml") !== true || Number(stat.ctimeNs) / 1e6 <= sinceMs) continue;
    const read = readSuite(below(root, path), left);
    if (read.kind === "more") partial = true;
    if (read.kind !== "text") continue;
    left -= read.bytes;
    const results = parseJunit(read.text);
    if (results !== undefined) found.push(results);
  }
  return together(found, partial);
}
