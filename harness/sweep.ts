// After a run: what it left that would make somebody run code without meaning to goes into the run's quarantine. What was there before it, in
// the same state, and what was opened by name stays. The state before is written down, so that a run whose supervisor was killed is swept too.
// Does not stop: what findings.ts does not look for; the time between the run's last act and the sweep.

import { chmodSync, closeSync, existsSync, fstatSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { writePrivate } from "#src/state/files.ts";
import type { Json } from "#src/core/json.ts";
import { fdPath, openBeneath } from "#sandbox/open.ts";
import { isOpened } from "#sandbox/protected-names.ts";
import { showPath, walkTree } from "#sandbox/tree.ts";
import { type Finding, findTraps, isTelling, type Listing } from "./findings.ts";
import { type Entry, entryOf, type Inventory } from "./inventory.ts";
import { readStored } from "./stored.ts";
import { clearSetId, quarantine, type Removal } from "./quarantine.ts";

export type Swept = {
  path: string;
  kind: Finding["kind"];
  detail: string | null;
  action: Removal["action"] | "bits cleared";
  /** Where it is now, in the run's folder. */
  as: string | null;
};
export type Sweep = { swept: Swept[]; total: number; unread: string[] };

const MAX_LISTED = 200;

const baselineSchema = v.object({
  tree: v.string(),
  inside: v.string(),
  opened: v.array(v.string()),
  known: v.array(v.string()),
});
type Baseline = v.InferOutput<typeof baselineSchema>;

const bytes = (path: string) => Buffer.from(path, "latin1");

type Closed = { path: Buffer; mode: number };

/** Gives a folder another mode; returns the one it had, undefined when it could not be. */
function setMode(root: string, path: Buffer, change: (mode: number) => number): number | undefined {
  try {
    const fd = openBeneath(root, path.length === 0 ? "." : path);
    try {
      const stat = fstatSync(fd);
      if (!stat.isDirectory()) return undefined;
      const mode = stat.mode & 0o7777;
      chmodSync(fdPath(fd), change(mode));
      return mode;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // longer than the kernel's longest path, or not ours
  }
}

/**
 * A look at all of a tree that keeps only what could matter. Folders that their owner (we ourselves, through the worker) closed are opened, so that
 * nothing hides in them; the caller closes them again.
 */
function listTelling(root: string): { listing: Listing; unread: string[]; opened: Closed[] } {
  const opened: Closed[] = [];
  const listing = new Map<string, Entry>();
  const unread: string[] = [];
  for (let again = true; again;) {
    again = false;
    unread.length = 0;
    listing.clear();
    const closed = (path: Buffer) => {
      const mode = setMode(root, path, (had) => had | 0o700);
      if (mode === undefined || (mode & 0o700) === 0o700) unread.push(showPath(path));
      else {
        again = true;
        opened.push({ path, mode });
      }
    };
    for (const { path, stat } of walkTree(root, () => true, closed)) {
      const entry = entryOf(stat);
      const name = path.toString("latin1");
      if (isTelling(name, entry)) listing.set(name, entry);
    }
  }
  return { listing, unread, opened };
}

/** Writes down what of that kind the tree holds before the run. `file` lies outside it. */
export function markBefore(file: string, before: Inventory, { tree, inside, opened }: Omit<Baseline, "known">): void {
  const known = findTraps(tree, inside, before.entries).flatMap(({ ids }) => ids);
  const baseline: Baseline = { tree, inside, opened, known };
  writePrivate(file, JSON.stringify(baseline));
}

function act(tree: string, finding: Finding, into: string): Swept {
  const path = bytes(finding.path);
  const { kind, detail } = finding;
  const shown = { path: showPath(path), kind, detail };
  if (kind === "setuid or setgid") {
    return { ...shown, action: clearSetId(tree, path) ? "bits cleared" : "left", as: null };
  }
  return { ...shown, ...quarantine(tree, path, into) };
}

/**
 * Sweeps the tree that `file` tells of, and forgets it. `after` is a complete look at it, if there was one; `except` are our own placeholders.
 * A second call, or one for a run that never began, finds nothing.
 */
export function sweepTree(
  file: string,
  into: string,
  after?: Inventory,
  except: ReadonlySet<string> = new Set(),
): Sweep {
  if (!existsSync(file)) return { swept: [], total: 0, unread: [] };
  const { tree, inside, opened, known } = readStored(file, baselineSchema);
  const look = after?.complete === true ? { listing: after.entries, unread: [], opened: [] } : listTelling(tree);
  const { listing, unread } = look;
  const before = new Set(known);
  const ours = new Set([...except].map((path) => Buffer.from(path).toString("latin1")));
  const found = findTraps(tree, inside, listing).filter(
    ({ path, ids }) => !ids.every((id) => before.has(id)) && !ours.has(path) && !isOpened(opened, path),
  );
  const swept: Swept[] = [];
  let gone: string | undefined;
  for (const finding of found) {
    if (gone !== undefined && finding.path.startsWith(`${gone}/`)) continue;
    const done = act(tree, finding, into);
    if (done.action === "quarantined" || done.action === "removed") gone = finding.path;
    swept.push(done);
  }
  for (const { path, mode } of look.opened.toReversed()) setMode(tree, path, () => mode);
  if (swept.length > 0) {
    mkdirSync(into, { recursive: true, mode: 0o700 });
    writePrivate(join(into, "swept.json"), `${JSON.stringify(swept)}\n`);
  }
  rmSync(file, { force: true });
  return { swept: swept.slice(0, MAX_LISTED), total: swept.length, unread: unread.slice(0, MAX_LISTED) };
}

/** What an earlier sweep of this run did, when whoever made it could not record it. */
export function readSweep(into: string): Sweep {
  const file = join(into, "swept.json");
  const swept: Swept[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
  return { swept: swept.slice(0, MAX_LISTED), total: swept.length, unread: [] };
}

const SHOWN = 3;

/** What a verdict says of a sweep, in a line each. */
export function sweepWarnings({ swept, total, unread }: Sweep): string[] {
  const words = swept.slice(0, SHOWN).map(({ kind, path, action }) => `${kind} ${JSON.stringify(path)} ${action}`);
  const more = total > SHOWN ? [`${total - SHOWN} more`] : [];
  return [
    ...(total > 0 ? [`the sweep found what would run by itself: ${[...words, ...more].join(", ")}`] : []),
    ...(unread.length > 0 ? [`${unread.length} folders could not be read, and nobody knows what is in them`] : []),
  ];
}

/** The ledger's record of it. */
export const sweepRecord = (sweep: Sweep): Record<string, Json> => sweep as unknown as Record<string, Json>;
