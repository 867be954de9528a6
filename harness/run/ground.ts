// What a run works on over all its attempts, and as it was before the first of them: what came of the work is held against that, however often the
// worker was sent back. What its worker causes and spends is counted here too, so that another attempt brings no new budget.

import { lstatSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import type { EgressAttempt } from "#sandbox/egress/proxy.ts";
import type { RunLimits } from "#sandbox/limits.ts";
import { type Budget, budgets, withinBudget } from "../budget.ts";
import { recordAttempts } from "../egress.ts";
import { takeSnapshot } from "../evidence/snapshot.ts";
import { takeInventory, withoutPlaced } from "../inventory.ts";
import { makeRecorder, type Recorder } from "../recorder.ts";
import { keepTestFiles } from "../results/test-files.ts";
import { countSpending, type Spending } from "../spending.ts";
import { verifyBefore } from "../verification.ts";
import {
  adoptTree,
  carrySessions,
  identityOf,
  openWorkTree,
  remakeTree,
  treeWorkedOn,
  type WorkTree,
} from "../work-tree.ts";
import type { OpenRun } from "./open.ts";
import { readStart, type Start } from "./start.ts";

export type Ground = Disposable & {
  readonly tree: WorkTree;
  /** Throws `denied` when the tree is not the very folder it was. */
  assertSame(): void;
  /** Looks at the tree before anything works in it, `placed` are our placeholders in it; later calls return the first look. */
  start(placed: readonly string[]): Promise<Start>;
  /** Takes the tree away and makes it again, as clean as at first. */
  renew(): void;
  recorder: Recorder;
  commands: Budget;
  /** How commands ended. */
  ends: Budget;
  requests: Budget;
  answers: Budget;
  onAttempt(attempt: EgressAttempt): void;
  spending: Spending;
  /** What the client's turns used so far of what is limited over all of them. */
  used: { ms: number; outputBytes: number };
  /** What earlier turns are warned of: taking it back does not undo it. */
  remembered: Set<string>;
  /** The limits of the next turn: of those, what is left. */
  left(): RunLimits;
  /** No turn follows, for this reason, or this signal. The first one counts. */
  end(why: string, signal?: number): void;
  /** Aborted by that; its reason is the signal. */
  ending: AbortSignal;
  over(): string | undefined;
};

/** A turn that has less is not begun. */
const SHORTEST_MS = 1000;

const least = (limit: number | null, used: number) => (limit === null ? null : Math.max(0, limit - used));

/** Makes or claims the tree. Throws `denied` when another run has it, or when it cannot be made. */
export function openGround({ deps, contract, paths, ledger, artifacts, continued }: OpenRun): Ground {
  const goesOn = continued?.turn.kind === "narrow" ? continued.of : undefined;
  const known =
    goesOn === undefined ? undefined : readStart(deps.home, goesOn, treeWorkedOn(deps.home, contract, goesOn));
  let tree =
    goesOn === undefined || contract.mode === "direct"
      ? openWorkTree(deps, contract, ledger.run)
      : adoptTree(deps, contract, { id: ledger.run, from: goesOn });
  if (goesOn !== undefined) carrySessions(deps.home, contract, { id: ledger.run, from: goesOn });
  const recordMade = () => {
    if (tree.made !== undefined) ledger.append("workspace.made", { mode: contract.mode, ...tree.made });
  };
  try {
    recordMade();
  } catch (error) {
    tree[Symbol.dispose]();
    throw error;
  }
  const recorder = makeRecorder(ledger);
  const used = { ms: 0, outputBytes: 0 };
  // Held against what the first of the runs began with, or what the worker did before it was sent back would count for nothing.
  let first: Start | undefined = known;
  const ending = new AbortController();
  let over: string | undefined;
  return {
    get tree() {
      return tree;
    },
    assertSame() {
      const stat = lstatSync(tree.path, { throwIfNoEntry: false });
      if (stat?.isDirectory() && identityOf(tree.path) === tree.id) return;
      throw new BrokeError("denied", "the tree the run works on was replaced meanwhile", "begin again");
    },
    async start(placed) {
      if (first !== undefined) return first;
      const sinceMs = Date.now();
      const before = takeInventory(tree.path);
      const snapshot = takeSnapshot(tree.path, withoutPlaced(before, placed));
      ledger.append("tree.hashed", { when: "before", sha256: snapshot.sha256 ?? null });
      const tests = keepTestFiles(tree.path, before);
      // Not in the run's own group, whose readings are the client's.
      const work = { deps, contract, paths, tree, ledger, artifacts, group: undefined };
      const baseline = await verifyBefore({ ...work, over: ending.signal });
      first = { before, placed: [...placed], sinceMs, snapshot, tests, baseline };
      return first;
    },
    renew() {
      ledger.append("workspace.discarded", { tree: tree.path });
      tree = remakeTree(deps, contract, ledger.run);
      first = undefined;
      recordMade();
    },
    recorder,
    commands: withinBudget(recorder.append, budgets.commands),
    ends: withinBudget(recorder.append, budgets.ends),
    requests: withinBudget(recorder.append, budgets.requests),
    answers: withinBudget(recorder.append, budgets.answers),
    onAttempt: recordAttempts(recorder),
    spending: countSpending(contract.budget),
    used,
    remembered: new Set(),
    left() {
      const { timeoutMs, outputBytes } = contract.limits;
      const leaseMs = contract.lease === null ? Infinity : contract.lease.untilMs - deps.clock();
      const ms = least(timeoutMs, used.ms);
      const timed = Number.isFinite(leaseMs) ? Math.max(0, Math.min(ms ?? Infinity, leaseMs)) : ms;
      return { ...contract.limits, timeoutMs: timed, outputBytes: least(outputBytes, used.outputBytes) };
    },
    end(why, signal) {
      over ??= why;
      ending.abort(signal);
    },
    ending: ending.signal,
    over() {
      const { timeoutMs } = this.left();
      return over ?? (timeoutMs !== null && timeoutMs < SHORTEST_MS ? "its time is up" : undefined);
    },
    [Symbol.dispose]: () => tree[Symbol.dispose](),
  };
}
