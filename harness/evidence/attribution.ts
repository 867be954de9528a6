// Which command a change is plausibly due to: the narrowest one (of those that name the path, where any does) during which the inode was changed
// last: its ctime, which no unprivileged process can set. An inference, kept apart from what was observed. Pure.
// Does not stop: two commands at once, of which the other did it; a program of the host's that changes the tree while the client runs; a host
// whose clock is set meanwhile, and a file system whose times are another machine's: there, changes look like nobody's.

import { showPath } from "#sandbox/tree.ts";
import type { Change, Difference, Inventory } from "../inventory.ts";
import type { Finding } from "../verdict/categories.ts";
import type { ExplainedChange } from "./packet.ts";
import type { CommandWindow } from "./trace.ts";

/** The kernel's clock for files may be a tick behind (10 ms at 100 Hz) when a command begins; ends are seen at most late, in whole milliseconds. */
const BEFORE_MS = 20;
const AFTER_MS = 2;

const covers = ({ fromMs, toMs }: Pick<CommandWindow, "fromMs" | "toMs">, ms: number) =>
  fromMs - BEFORE_MS <= ms && ms <= toMs + AFTER_MS;

/** All windows as one list of times without overlaps, in order. */
function unite(windows: readonly CommandWindow[]): { fromMs: number; toMs: number }[] {
  const united: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of windows.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = united.at(-1);
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else united.push({ fromMs, toMs });
  }
  return united;
}

const parentOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/** What of the tree is needed to tell when something changed; `rootMs` is the ctime of its top folder, `sinceMs` when it was looked at first. */
export type Tree = { after: Inventory; rootMs: number; sinceMs: number };

/**
 * When the change may have been made last, the best answer first. What was deleted, or moved together with the folder it lies in, left its time in the
 * folders above it, up to the first that was there before.
 */
function timesOf(
  { path, change, entry }: Difference,
  { after, rootMs, sinceMs }: Tree,
  created: ReadonlySet<string>,
): number[] {
  const times = change === "deleted" ? [] : [entry.changedMs];
  // Made while the run went on, wherever that was: then its own time says when.
  if (change === "modified" || (change === "created" && entry.changedMs >= sinceMs - BEFORE_MS)) return times;
  for (let folder = parentOf(path); folder !== ""; folder = parentOf(folder)) {
    const standing = after.entries.get(folder);
    if (standing === undefined) continue;
    times.push(standing.changedMs);
    if (!created.has(folder)) return times;
  }
  return [...times, rootMs];
}

export type Attribution = { changes: ExplainedChange[]; unattributed: string[] };

/** Explains the changes. `listed` are the described ones of `differences`, in the same order from its start. */
export function attributeChanges(
  differences: readonly Difference[],
  listed: readonly Change[],
  windows: readonly CommandWindow[],
  tree: Tree,
): Attribution {
  const united = unite(windows);
  const created = new Set(differences.filter(({ change }) => change === "created").map(({ path }) => path));
  const timeOf = (difference: Difference) =>
    timesOf(difference, tree, created).find((ms) => united.some((window) => covers(window, ms)));
  const unattributed: string[] = [];
  const changes: ExplainedChange[] = [];
  for (const [index, difference] of differences.entries()) {
    const ms = timeOf(difference);
    if (ms === undefined) unattributed.push(showPath(Buffer.from(difference.path, "latin1")));
    const described = listed[index];
    if (described === undefined) continue;
    const { change, entry, old } = difference;
    const mode = {
      before: change === "created" || old === undefined ? null : old.mode & 0o7777,
      after: change === "deleted" ? null : entry.mode & 0o7777,
    };
    changes.push({ ...described, mode, by: explain(described, ms, windows) });
  }
  return { changes, unattributed };
}

/** Whether one of a command's words, or a word of a script among them, is the path or ends in it. What the client itself was asked names nothing. */
function names({ words, client }: CommandWindow, path: string): boolean {
  if (client) return false;
  const name = path.slice(path.lastIndexOf("/") + 1);
  const tokens = words.flatMap((word) => word.split(/[\s"'`;|&<>()=]+/));
  return tokens.some((token) => token === name || token.endsWith(`/${name}`));
}

/**
 * Of the commands that were going on, the narrowest of those that name the path; else of those that were certainly going on, which at worst is the one
 * around it; else of any. What was deleted may have been so earlier than its
 * folder says: then it is the last of all until then that names it.
 */
function explain(
  { path, change }: Change,
  ms: number | undefined,
  windows: readonly CommandWindow[],
): ExplainedChange["by"] {
  const going = ms === undefined ? [] : windows.filter((window) => covers(window, ms));
  const earlier =
    ms !== undefined && change === "deleted"
      ? windows.findLast((window) => window.fromMs <= ms && names(window, path))
      : undefined;
  const naming = earlier === undefined ? going.filter((window) => names(window, path)) : [earlier];
  const certain = going.filter(({ fromMs, toMs }) => ms !== undefined && fromMs <= ms && ms <= toMs);
  const best = [naming, certain, going].find((some) => some.length > 0) ?? [];
  const narrowest = best.reduce<CommandWindow | undefined>((best, each) => {
    return best === undefined || each.toMs - each.fromMs < best.toMs - best.fromMs ? each : best;
  }, undefined);
  if (narrowest === undefined) return { command: null, argv: [], client: false, others: 0 };
  const { seq, argv, client } = narrowest;
  return { command: seq, argv, client, others: Math.max(0, going.length - 1) };
}

const SHOWN = 5;

/** What no command explains speaks against the run. */
export function attributionFindings({ unattributed }: Attribution): Finding[] {
  if (unattributed.length === 0) return [];
  const paths = unattributed.slice(0, SHOWN).map((path) => JSON.stringify(path));
  return [
    {
      ...{ category: "unattributed_mutation", grade: "finding", source: "observation" },
      reason: `no command explains ${unattributed.length} of the changes: ${paths.join(", ")}`,
      refs: unattributed.slice(0, SHOWN).map((path) => `path:${path}`),
    },
  ];
}
