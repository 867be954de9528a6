// The tree before the worker's first turn, which everything that comes of the work is held against; and the same written down, for whoever sends the worker
// back after the run is over. Bounded: of a tree that is too large it is not kept, and its worker begins anew.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import { writePrivate } from "#src/state/files.ts";
import { isOverlayAt } from "#sandbox/mount-table.ts";
import type { Snapshot } from "../evidence/snapshot.ts";
import { type Inventory, takeInventory, withoutPlaced } from "../inventory.ts";
import { ledgerRecords } from "../ledger-lines.ts";
import type { keepTestFiles } from "../results/test-files.ts";
import { testResultsSchema } from "../results/results.ts";
import { readStored } from "../stored.ts";
import type { Baseline } from "../verification.ts";
import type { OpenRun } from "./open.ts";

/** `tests` are the test files in it. */
export type Start = {
  before: Inventory;
  /** Our own placeholders that were in it. */
  placed: string[];
  /** When it was looked at. */
  sinceMs: number;
  snapshot: Snapshot;
  tests: ReturnType<typeof keepTestFiles>;
  baseline: Baseline;
};

const MAX_BYTES = 64 * 1024 * 1024;
const EVENT = "start.kept";

const texts = v.array(v.tuple([v.string(), v.string()]));
const storedSchema = v.strictObject({
  before: v.strictObject({
    entries: v.array(
      v.tuple([
        v.string(),
        v.strictObject({
          ...{ kind: v.picklist(["file", "dir", "link", "other"]), mode: v.number(), size: v.number() },
          ...{ stamp: v.string(), linked: v.boolean(), changedMs: v.number() },
        }),
      ]),
    ),
    complete: v.boolean(),
    bytes: v.number(),
  }),
  sinceMs: v.number(),
  snapshot: v.strictObject({ sha256: v.nullable(v.string()), lines: texts, texts }),
  tests: v.strictObject({ files: texts, complete: v.boolean() }),
  baseline: v.array(v.array(testResultsSchema)),
  /** A hash of what lstat(2) said of everything in the tree when the run was over. */
  left: v.string(),
});

/** Writes it down beside the run's record, and its hash into the ledger. */
export function keepStart(
  { paths, ledger, contract }: OpenRun,
  { before, placed, sinceMs, snapshot, tests, baseline }: Start,
  tree: string,
): void {
  if (contract.policy === "off") return;
  const sizes = [...snapshot.texts.values(), ...tests.files.values()].reduce((sum, { length }) => sum + length, 0);
  if (sizes > MAX_BYTES) return;
  const stored: v.InferOutput<typeof storedSchema> = {
    // They are gone by now, and made anew for whoever goes on.
    before: { ...before, entries: [...withoutPlaced(before, placed).entries] },
    sinceMs,
    snapshot: { sha256: snapshot.sha256 ?? null, lines: [...snapshot.lines], texts: [...snapshot.texts] },
    tests: { ...tests, files: [...tests.files] },
    baseline: baseline.map((results) => [...results]),
    left: stampOf(tree),
  };
  const text = JSON.stringify(stored);
  if (text.length > MAX_BYTES) return;
  writePrivate(paths.start, text);
  ledger.append(EVENT, { sha256: hashOf(text), bytes: Buffer.byteLength(text) });
}

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");

/** Changes with every change in the tree: no file is read. */
function stampOf(tree: string): string {
  const { entries, complete } = takeInventory(tree);
  // A plain user's overlay numbers what was written in it anew with every mount; its times say it all the same.
  const overlay = isOverlayAt(tree);
  const stable = (stamp: string) => (overlay ? stamp.slice(stamp.indexOf(":") + 1) : stamp);
  const lines = [...entries]
    .map(([path, { kind, mode, stamp }]) => JSON.stringify([path, kind, mode, stable(stamp)]))
    .sort();
  return hashOf(JSON.stringify([complete, ...lines]));
}

/** What a run began with. `tree` is where it went on: throws `denied` where somebody has been there since. Throws `missing` where that was not kept, `config` where it is not what the run's ledger says. */
export function readStart(home: Home, runId: string, tree: string): Start {
  const { start, ledger } = runPaths(home, runId);
  if (!existsSync(start)) {
    const hint = "`broke harness retry --broad` begins again from a clean tree";
    throw new BrokeError("missing", "what the run began with was not kept, so nobody could go on with it", hint);
  }
  let kept: unknown;
  for (const { event, data } of ledgerRecords(ledger)) if (event === EVENT) kept = data.sha256;
  const stored = readStored(start, storedSchema);
  if (hashOf(JSON.stringify(stored)) !== kept)
    throw new BrokeError("config", `${start} is not what the run's ledger says`, "look at the run's folder yourself");
  if (stored.left !== stampOf(tree))
    throw new BrokeError(
      "denied",
      "what the run worked on was changed since it ended",
      "launch it anew: nobody could tell your changes from its worker's",
    );
  return {
    before: { ...stored.before, entries: new Map(stored.before.entries) },
    placed: [],
    sinceMs: stored.sinceMs,
    snapshot: {
      sha256: stored.snapshot.sha256 ?? undefined,
      lines: new Map(stored.snapshot.lines),
      texts: new Map(stored.snapshot.texts),
    },
    tests: { ...stored.tests, files: new Map(stored.tests.files) },
    baseline: stored.baseline,
  };
}
