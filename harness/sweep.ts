// After a run: what it left that would make somebody run code without meaning to goes into the run's quarantine. What was there before it, in
// the same state, and what was opened by name stays. The state before is written down, so that a run whose supervisor was killed is swept too.
// Does not stop: what findings.ts does not look for; the time between the run's last act and the sweep.

import { existsSync, lstatSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { writePrivate } from "#src/state/files.ts";
import type { Json } from "#src/core/json.ts";
import { isOpened } from "#sandbox/protected-names.ts";
import { below, showPath } from "#sandbox/tree.ts";
import { type Finding, findingKinds, findTraps, isTelling } from "./findings.ts";
import { type Entry, entryOf, type Inventory, leaveOut } from "./inventory.ts";
import { closeAgain, type Opened, walkOpening } from "./opened.ts";
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
  /** Others work in it too: what lives is left where it is. */
  shared: v.optional(v.boolean(), false),
  /** Left out, with all that is in them; and protected names that were not there. */
  apart: v.optional(v.array(v.string()), []),
  planted: v.optional(v.array(v.string()), []),
});
type Baseline = v.InferInput<typeof baselineSchema>;

const bytes = (path: string) => Buffer.from(path, "latin1");

/** A look at all of a tree that keeps only what could matter. The caller closes again what was opened. */
function listTelling(root: string): { listing: Map<string, Entry>; unread: string[]; opened: Opened[] } {
  const opened: Opened[] = [];
  const listing = new Map<string, Entry>();
  const unread: string[] = [];
  for (const { path, stat } of walkOpening(root, opened, (closed) => void unread.push(showPath(closed)))) {
    const entry = entryOf(stat);
    const name = path.toString("latin1");
    if (isTelling(name, entry)) listing.set(name, entry);
  }
  return { listing, unread, opened };
}

/** Writes down what of that kind the tree holds before the run. `file` lies outside it. */
export function markBefore(file: string, before: Inventory, state: Omit<Baseline, "known">): void {
  const known = findTraps(state.tree, state.inside, before.entries).flatMap(({ ids }) => ids);
  const baseline: Baseline = { ...state, known };
  writePrivate(file, JSON.stringify(baseline));
}

/** What may be somebody's at this moment, and runs nothing by itself. */
const LIVING: ReadonlySet<Finding["kind"]> = new Set(["socket", "pipe", "device"]);

function isThere(path: Buffer): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // what is above it is no folder
  }
}

function act(
  { tree, shared }: { tree: string; shared: boolean },
  finding: Finding,
  into: string,
  late: boolean,
): Swept {
  const path = bytes(finding.path);
  const { kind, detail } = finding;
  const shown = { path: showPath(shared ? below(tree, path) : path), kind, detail };
  if (shared && (late || LIVING.has(kind))) return { ...shown, action: "left", as: null };
  if (kind === "setuid or setgid") {
    return { ...shown, action: clearSetId(tree, path) ? "bits cleared" : "left", as: null };
  }
  return { ...shown, ...quarantine(tree, path, into) };
}

/**
 * Sweeps the tree that `file` tells of, and forgets it. `after` is a complete look at it, if there was one; `except` are our own placeholders;
 * `late`: in a shared one nothing is taken away any more, only named. A second call, or one for a run that never began, finds nothing.
 */
export function sweepTree(
  file: string,
  into: string,
  after?: Inventory,
  except: ReadonlySet<string> = new Set(),
  late = false,
): Sweep {
  if (!existsSync(file)) return { swept: [], total: 0, unread: [] };
  const baseline = readStored(file, baselineSchema);
  const { tree, inside, opened, known, apart, planted } = baseline;
  const look = after?.complete === true ? { listing: after.entries, unread: [], opened: [] } : listTelling(tree);
  const { unread } = look;
  const listing = leaveOut(look.listing, new Set(apart));
  const before = new Set(known);
  const ours = new Set([...except].map((path) => Buffer.from(path).toString("latin1")));
  const traps = findTraps(tree, inside, listing).filter(
    ({ path, ids }) => !ids.every((id) => before.has(id)) && !ours.has(path) && !isOpened(opened, path),
  );
  const trapped = new Set(traps.map(({ path }) => path));
  const names = planted
    .filter((path) => !trapped.has(path) && isThere(below(tree, bytes(path))))
    .map((path): Finding => ({ path, kind: "protected name", detail: null, ids: [] }));
  const found = [...traps, ...names].sort((a, b) => (a.path < b.path ? -1 : 1));
  const swept: Swept[] = [];
  let gone: string | undefined;
  for (const finding of found) {
    if (gone !== undefined && finding.path.startsWith(`${gone}/`)) continue;
    const done = act(baseline, finding, into, late);
    if (done.action === "quarantined" || done.action === "removed") gone = finding.path;
    swept.push(done);
  }
  closeAgain(tree, look.opened);
  if (swept.length > 0) {
    mkdirSync(into, { recursive: true, mode: 0o700 });
    writePrivate(join(into, "swept.json"), `${JSON.stringify(swept)}\n`);
  }
  rmSync(file, { force: true });
  return { swept: swept.slice(0, MAX_LISTED), total: swept.length, unread: unread.slice(0, MAX_LISTED) };
}

const sweptSchema = v.array(
  v.object({
    path: v.string(),
    kind: v.picklist(findingKinds),
    detail: v.nullable(v.string()),
    action: v.picklist(["quarantined", "removed", "left", "bits cleared"]),
    as: v.nullable(v.string()),
  }),
);

/** What an earlier sweep into this folder did. */
export function readSweep(into: string): Sweep {
  const file = join(into, "swept.json");
  const swept: Swept[] = existsSync(file) ? readStored(file, sweptSchema) : [];
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
