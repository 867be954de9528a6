// Which workspace paths the work of a run may change, held against what the supervisor saw change. Pure.
// Does not stop: the change itself, which is judged afterwards; git's own bookkeeping, which the sweep looks at.

import { isAtOrBelow } from "#sandbox/protected-names.ts";
import type { InventoryChanges } from "../inventory.ts";
import type { Finding } from "../verdict/categories.ts";
import type { Terms } from "./terms.ts";

const SHOWN = 5;

/** Whether a pattern (a path with all below it, or a glob of Bun's) means the path. */
export function meansPath(pattern: string, path: string): boolean {
  const folder = pattern.replace(/\/+$/, "");
  return isAtOrBelow(folder, path) || new Bun.Glob(pattern).match(path);
}

const anyMeans = (patterns: readonly string[], path: string) => patterns.some((pattern) => meansPath(pattern, path));

/** What is in it is counted and not listed (inventory.ts), so it stands for all of that. */
const isRepository = (path: string) => /(^|\/)\.git$/.test(path);

/** What was changed that must not be; `more`: not all that was changed is in the list. A folder holds nothing of its own, so only what is in it must be allowed. */
export function changeFindings(
  { changes, more: unlisted }: Pick<InventoryChanges, "changes"> & { more: boolean },
  { allowed, forbidden }: Pick<Terms, "allowed" | "forbidden">,
): Finding[] {
  if (allowed.length === 0 && forbidden.length === 0) return [];
  const finding = (reason: string): Finding => ({
    ...{ category: "boundary", grade: "finding", source: "observation" },
    reason,
  });
  const wrong = changes.filter(
    ({ path, kind }) =>
      anyMeans(forbidden, path) ||
      ((kind !== "dir" || isRepository(path)) && !allowed.every((patterns) => anyMeans(patterns, path))),
  );
  const shown = wrong.slice(0, SHOWN).map(({ path }) => path);
  const more = wrong.length > SHOWN ? ` and ${wrong.length - SHOWN} more` : "";
  return [
    ...(wrong.length === 0 ? [] : [finding(`changed what the contract forbids: ${shown.join(", ")}${more}`)]),
    ...(unlisted ? [finding("more was changed than can be held against the contract's paths")] : []),
  ];
}
