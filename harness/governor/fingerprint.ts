// One word for a tree as it is, but for what tests and tools leave in it: two of them differ when anything else changed in between.
// Does not stop: a change in the folders it leaves out.

import { createHash } from "node:crypto";
import { takeInventory } from "../inventory.ts";

/** Caches, coverage and build output; and git's bookkeeping, which looking changes too. */
const LEFT =
  /(?:^|\/)(?:\.git|__pycache__|\.pytest_cache|\.mypy_cache|\.ruff_cache|\.cache|\.nyc_output|\.hypothesis|\.tox|\.nox|\.gradle|coverage|htmlcov|target)(?:\/|$)|\.pyc$|(?:^|\/)\.coverage[^/]*$/;

/** By lstat alone, which no unprivileged process can set back. */
export function fingerprint(tree: string): string {
  const hash = createHash("sha256");
  const { entries } = takeInventory(tree);
  for (const path of [...entries.keys()].sort()) {
    if (LEFT.test(path)) continue;
    const { kind, mode, size, stamp } = entries.get(path)!;
    hash.update(`${path}\0${kind} ${mode} ${size} ${stamp}\0`);
  }
  return hash.digest("hex");
}
