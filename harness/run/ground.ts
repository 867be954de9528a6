// What a run works on over all its attempts, and as it was before the first of them: what came of the work is held against that, however often the
// worker was sent back. What its worker causes and spends is counted here too, so that another attempt brings no new budget.

import { type Budget, budgets, withinBudget } from "../budget.ts";
import { type Snapshot, takeSnapshot } from "../evidence/snapshot.ts";
import { type Inventory, takeInventory } from "../inventory.ts";
import { makeRecorder, type Recorder } from "../recorder.ts";
import { keepTestFiles } from "../results/test-files.ts";
import { countSpending, type Spending } from "../spending.ts";
import { type Baseline, verifyBefore } from "../verification.ts";
import { openWorkTree, type WorkTree } from "../work-tree.ts";
import type { OpenRun } from "./open.ts";

/** The tree before the worker's first turn; `tests` are the test files in it. */
export type Start = {
  before: Inventory;
  snapshot: Snapshot;
  tests: ReturnType<typeof keepTestFiles>;
  baseline: Baseline;
};

export type Ground = Disposable & {
  tree: WorkTree;
  /** Looks at the tree before anything works in it; later calls return the first look. */
  start(): Promise<Start>;
  recorder: Recorder;
  commands: Budget;
  /** How commands ended. */
  ends: Budget;
  requests: Budget;
  answers: Budget;
  spending: Spending;
};

/** Makes or claims the tree. Throws `denied` when another run has it, or when it cannot be made. */
export function openGround({ deps, contract, paths, ledger, artifacts }: OpenRun): Ground {
  const tree = openWorkTree(deps, contract, ledger.run);
  try {
    if (tree.made !== undefined) ledger.append("workspace.made", { mode: contract.mode, ...tree.made });
  } catch (error) {
    tree[Symbol.dispose]();
    throw error;
  }
  const recorder = makeRecorder(ledger);
  let first: Start | undefined;
  return {
    tree,
    async start() {
      if (first !== undefined) return first;
      const before = takeInventory(tree.path);
      const snapshot = takeSnapshot(tree.path, before);
      ledger.append("tree.hashed", { when: "before", sha256: snapshot.sha256 ?? null });
      const tests = keepTestFiles(tree.path, before);
      // Not in the run's own group, whose readings are the client's.
      const baseline = await verifyBefore({ deps, contract, paths, tree, ledger, artifacts, group: undefined });
      first = { before, snapshot, tests, baseline };
      return first;
    },
    recorder,
    commands: withinBudget(recorder.append, budgets.commands),
    ends: withinBudget(recorder.append, budgets.ends),
    requests: withinBudget(recorder.append, budgets.requests),
    answers: withinBudget(recorder.append, budgets.answers),
    spending: countSpending(contract.budget),
    [Symbol.dispose]: () => tree[Symbol.dispose](),
  };
}
