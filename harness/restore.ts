// Puts a workspace that a run worked in itself back to what it was before the worker's first turn: what was made goes, the text that was changed or taken away
// is written again. Only where nobody has been since the run ended; repositories are left as they are.
// Does not stop: what is no text, or was too large to keep, from staying as the run left it; that is listed.

import { randomUUID } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { openFolder } from "#sandbox/open.ts";
import { withRights } from "#sandbox/rights.ts";
import { showPath } from "#sandbox/tree.ts";
import { runPaths } from "#src/state/paths.ts";
import { bytes, named, within } from "./beneath.ts";
import { type DecideDeps, registeredContract, requireEnded } from "./decide.ts";
import { type Difference, findDifferences, takeInventory } from "./inventory.ts";
import { holdEnded } from "./lock.ts";
import { closeAgain, type Opened, walkOpening } from "./opened.ts";
import { readStart } from "./run/start.ts";
import { claimWorkspace } from "./writer.ts";

/** `left` is as the run left it. */
export type Restored = { restored: string[]; removed: string[]; left: string[] };

type Texts = ReadonlyMap<string, string>;
type Done = "restored" | "removed" | "left";

function putBack(root: number, { path, change, entry, old }: Difference, texts: Texts): Done {
  const was = change === "created" ? undefined : (old ?? entry);
  const text = texts.get(path);
  const act = (folder: number, name: Buffer): Done => {
    const at = named(folder, name);
    const stands = lstatSync(at, { throwIfNoEntry: false });
    // The look broke off before it.
    if (change === "deleted" && stands !== undefined) return "left";
    if (was === undefined) {
      if (stands?.isDirectory()) rmdirSync(at);
      else unlinkSync(at);
      return "removed";
    }
    if (was.kind === "dir") {
      // What stands in its place is the run's, as everything is that differs.
      if (stands !== undefined && !stands.isDirectory()) unlinkSync(at);
      if (!stands?.isDirectory()) mkdirSync(at);
      chmodSync(at, was.mode & 0o777);
      return "restored";
    }
    if (was.kind !== "file" || text === undefined) return "left";
    if (stands?.isDirectory()) rmdirSync(at);
    const made = named(folder, `.broke-${randomUUID()}`);
    writeFileSync(made, text, { flag: "wx", mode: 0o600 });
    chmodSync(made, was.mode & 0o777);
    renameSync(made, at);
    return "restored";
  };
  // A folder that was read-only before the run has its mode back already.
  return within(root, path, (folder, name) => withRights(folder, () => act(folder, name)));
}

/** Does it; undefined where the file system does not let it. */
function asFarAsCan<Result>(act: () => Result): Result | undefined {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof BrokeError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  }
}

/** What goes, goes from the inside out; what comes back, from the outside in. */
const inOrder = (found: readonly Difference[]): Difference[] => [
  ...found.filter(({ change }) => change === "created").toReversed(),
  ...found.filter(({ change }) => change !== "created"),
];

/** Restores. Throws `denied` where the run worked on a tree of its own, or somebody has been there since; `missing` where the start was not kept. */
export function restoreRun(deps: DecideDeps, runId: string): Restored {
  requireEnded(deps, runId);
  const contract = registeredContract(deps.home, runId);
  const { workspace, mode } = contract;
  if (mode !== "direct")
    throw new BrokeError(
      "denied",
      "the run did not work in the workspace itself",
      "`broke harness discard` removes its tree",
    );
  using _held = holdEnded(deps.home, runId);
  using _writer = claimWorkspace(deps, { id: runId, workspace, writes: [] });
  if (!existsSync(runPaths(deps.home, runId).start))
    throw new BrokeError(
      "missing",
      "what the workspace was before the run was not kept",
      "it is kept of a run with a policy that was not accepted; `broke harness diff` shows what this one changed",
    );
  // By this nobody has been there since; only then may anything be opened.
  const { before, snapshot } = readStart(deps.home, runId, workspace);
  if (!before.complete)
    throw new BrokeError(
      "denied",
      "the workspace held more than was looked at before the run, so nobody could tell what the run made",
      "`broke harness diff` shows what is known of it",
    );
  const done: Restored = { restored: [], removed: [], left: [] };
  const root = openFolder(workspace);
  const opened: Opened[] = [];
  const settled = new Set<string>();
  const unread = new Set<string>();
  try {
    for (let again = true; again;) {
      const now = takeInventory(workspace, (onUnread) =>
        walkOpening(workspace, opened, (path) => {
          unread.add(showPath(path));
          onUnread(path);
        }),
      );
      const left: string[] = [];
      let removed = 0;
      for (const difference of inOrder(findDifferences(before, now).found)) {
        if (settled.has(difference.path)) continue;
        // In the way may stand what was left itself, and so it stays too.
        const what = asFarAsCan(() => putBack(root, difference, snapshot.texts)) ?? "left";
        const shown = showPath(bytes(difference.path));
        if (what === "left") {
          left.push(shown);
          continue;
        }
        settled.add(difference.path);
        done[what].push(shown);
        if (what === "removed") removed += 1;
      }
      done.left = [...new Set([...left, ...unread])];
      // A look has an end: what is beyond it may have come within it by what was removed.
      again = !now.complete && removed > 0;
    }
  } finally {
    closeAgain(
      workspace,
      opened.filter(({ path }) => !settled.has(path.toString("latin1"))),
    );
    closeSync(root);
  }
  const { restored, removed, left } = done;
  deps.audit.append(runId, "work.restored", {
    ...{ restored: restored.length, removed: removed.length, left: left.length },
  });
  return done;
}
