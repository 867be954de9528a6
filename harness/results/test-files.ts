// The test files of a tree before the worker's turn, kept to see afterwards what became of their assertions. Read by descriptor, never through a link,
// and bounded: what is not kept is not compared.
// Does not stop: assertions lost in files beyond the bounds, or with names that no test has.

import { readBeneath } from "#sandbox/open.ts";
import { showPath } from "#sandbox/tree.ts";
import type { Inventory } from "../inventory.ts";
import type { Finding } from "../verdict/categories.ts";
import { isTestFile, lostAssertions } from "./assertions.ts";

const MAX_FILE_BYTES = 256 * 1024;
const MAX_FILES = 2_000;
const MAX_BYTES = 16 * 1024 * 1024;

/** By path (a character a byte, as an inventory has it), the text before. */
export type TestFiles = ReadonlyMap<string, string>;

const read = (tree: string, path: string) =>
  readBeneath(tree, Buffer.from(path, "latin1"), MAX_FILE_BYTES)?.toString("utf8");

/** Reads them. `complete` false: there are more than are kept. */
export function keepTestFiles(tree: string, { entries }: Inventory): { files: TestFiles; complete: boolean } {
  const files = new Map<string, string>();
  let bytes = 0;
  for (const [path, { kind, size }] of entries) {
    if (kind !== "file" || size > MAX_FILE_BYTES || path.includes("node_modules/") || !isTestFile(path)) continue;
    bytes += size;
    if (files.size >= MAX_FILES || bytes > MAX_BYTES) return { files, complete: false };
    const text = read(tree, path);
    if (text !== undefined) files.set(path, text);
  }
  return { files, complete: true };
}

/** What became of their assertions in the tree as it is now. */
export function compareTestFiles(tree: string, before: TestFiles, after: Inventory): Finding[] {
  return lostAssertions(
    [...before].map(([path, text]) => ({
      path: showPath(Buffer.from(path, "latin1")),
      before: text,
      after: after.entries.has(path) ? (read(tree, path) ?? null) : null,
    })),
  );
}
