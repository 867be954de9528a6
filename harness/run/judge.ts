// From what was seen of an attempt to its verdict: the contract's commands are run on what it left, its reviewers are
// asked where that leaves anything to say, and the algebra has the word.

import type { Finding } from "../verdict/categories.ts";
import { strictnessOf } from "../contract/terms.ts";
import { reviewersOf, reviewRun } from "../roles/review.ts";
import { type Roles, withTold } from "../roles/told.ts";
import type { Decision, Opinion } from "../verdict/decide.ts";
import { decideObserved, type Observed } from "../verdict/observed.ts";
import type { Reviewer } from "../verdict/policies.ts";
import { atLeast } from "../verdict/words.ts";
import { verifyTree } from "../verification.ts";
import type { Attempt } from "./attempt.ts";
import { lateChanges, packEvidence } from "./evidence.ts";
import type { Ground } from "./ground.ts";
import type { Seen } from "./look.ts";
import type { OpenRun } from "./open.ts";

/** Everything that bears on the verdict, and what it came to. */
export type Judged = {
  observed: Observed;
  decision: Decision;
  /** The evidence packet's name among the artifacts. */
  evidence: string | null;
};

/** The verdict on what was observed and what came up since. */
export function judge(
  { contract }: Pick<OpenRun, "contract">,
  observed: Observed,
  more: Finding[],
  { retries, evidence }: { retries: number; evidence: string | null },
): Judged {
  const all = { ...observed, findings: [...(observed.findings ?? []), ...more] };
  return { evidence, observed: all, decision: decideObserved(all, strictnessOf(contract, retries)) };
}

const CONTENT: Opinion = { state: "given", verdict: "ACCEPT", health: "healthy", source: "review" };
const UNASKED: Opinion = { state: "absent", reason: "no reviewer was asked: what was seen is enough" };

const rolesOf = (reviewers: readonly Reviewer[], opinion: Opinion) =>
  Object.fromEntries(reviewers.map((role) => [role, opinion]));

/** What was said of the work while it went on; every word of it is on record. */
function toldOf({ deps, ledger }: OpenRun): Roles {
  const told = deps.opinions?.() ?? {};
  for (const [role, opinion] of Object.entries(told))
    ledger.append("role.told", {
      ...{ role, state: opinion.state, reason: opinion.reason ?? null },
      verdict: opinion.state === "given" ? opinion.verdict : null,
    });
  return told;
}

/** Verifies the tree the attempt left, and judges. Throws what could not be recorded. */
export async function judgeAttempt(run: OpenRun, ground: Ground, attempt: Attempt, seen: Seen): Promise<Judged> {
  const { deps, contract, paths, ledger, artifacts } = run;
  const { observed, changes, settled } = seen;
  const verified = await verifyTree({
    ...{ deps, contract, paths, ledger, artifacts, tree: ground.tree, group: attempt.group },
    baseline: attempt.start.baseline,
    changed: changes.total + changes.inRepositories > 0,
  });
  const late = lateChanges(ground, settled);
  const evidence = packEvidence(run);
  const at = { retries: attempt.turn.number - 1, evidence: evidence.sha256 };
  const found = [...verified, ...late, ...evidence.findings];
  const reviewers = reviewersOf(contract);
  const told = toldOf(run);
  // What reviewers could say takes nothing of it away, so where it is enough by itself they are not asked.
  const best = judge(run, { ...observed, roles: withTold(rolesOf(reviewers, CONTENT), told) }, found, at);
  if (reviewers.length === 0) return best;
  if (atLeast(best.decision.verdict, "RETRY_NARROW"))
    return judge(run, { ...observed, roles: withTold(rolesOf(reviewers, UNASKED), told) }, found, at);
  const review = await reviewRun(run, ground, evidence);
  return judge(run, { ...observed, roles: withTold(review.roles, told) }, [...found, ...review.findings], at);
}
