// From what was seen of an attempt to its verdict: the contract's commands are run on what it left, and the algebra has the word.

import type { Finding } from "../verdict/categories.ts";
import { strictnessOf } from "../contract/terms.ts";
import type { Decision } from "../verdict/decide.ts";
import { decideObserved, type Observed } from "../verdict/observed.ts";
import { verifyTree } from "../verification.ts";
import type { Attempt } from "./attempt.ts";
import { packEvidence } from "./evidence.ts";
import type { Ground } from "./ground.ts";
import type { Seen } from "./look.ts";
import type { OpenRun } from "./open.ts";

/** Everything that bears on the verdict, and what it came to. */
export type Judged = { observed: Observed; decision: Decision };

/** The verdict on what was observed and what came up since. */
export function judge(
  { contract }: Pick<OpenRun, "contract">,
  observed: Observed,
  more: Finding[],
  retries: number,
): Judged {
  const all = { ...observed, findings: [...(observed.findings ?? []), ...more] };
  return { observed: all, decision: decideObserved(all, strictnessOf(contract, retries)) };
}

/** Verifies the tree the attempt left, and judges. Throws what could not be recorded. */
export async function judgeAttempt(run: OpenRun, ground: Ground, attempt: Attempt, seen: Seen): Promise<Judged> {
  const { deps, contract, paths, ledger, artifacts } = run;
  const { observed, changes } = seen;
  const verified = await verifyTree({
    ...{ deps, contract, paths, ledger, artifacts, tree: ground.tree, group: attempt.group },
    baseline: attempt.start.baseline,
    changed: changes.total + changes.inRepositories > 0,
  });
  const { findings } = packEvidence(run);
  return judge(run, observed, [...verified, ...findings], attempt.turn.number - 1);
}
