// What can be found against a run, by kind: the vocabulary of every verdict. Pure.

import type { VerdictWord } from "./words.ts";

export const categories = [
  "integrity",
  "boundary",
  "fabrication",
  "correctness",
  "verification",
  "suspicious_tests",
  "evidence",
  "quality",
  "review_degraded",
  "unattributed_mutation",
  "no_effect",
  "unobserved",
  "unprotected_ledger",
  "runtime_failure",
  "authority_expansion_denied",
  "budget_exceeded",
] as const;
export type Category = (typeof categories)[number];

/** In words, for `broke harness explain-verdict`. */
export const meanings: Record<Category, string> = {
  integrity: "the ledger, the installation or the run's own files are not what they must be",
  boundary: "something got past, or tried to get past, what the run was allowed",
  fabrication: "a claim is contradicted by what was seen, or what would show it was taken away",
  correctness: "a verification command of the contract failed",
  verification: "no verification ran on the resulting tree, or a verifier objects",
  suspicious_tests: "tests were made to pass by testing less: none collected, fewer, newly skipped, assertions gone",
  evidence: "evidence that a verdict needs is missing, cut, or only typed in by somebody",
  quality: "the work has defects that no test shows",
  review_degraded: "a reviewer is absent, failed, or answered nothing that can be used",
  unattributed_mutation: "something changed that no observed command explains",
  no_effect: "success is claimed, and nothing that was asked for exists",
  unobserved: "the run was not observed to its end",
  unprotected_ledger: "the worker could have reached the supervisor's own record",
  runtime_failure: "the client failed or was ended by a signal",
  authority_expansion_denied: "more authority was asked for than the operator gave",
  budget_exceeded: "a limit of time, tokens, cost, turns or resources ended the run",
};

/** `observation`: the supervisor saw it. `review`: a model says so. `manual`: somebody typed it. */
export const sources = ["observation", "review", "manual"] as const;
export type Source = (typeof sources)[number];

/**
 * One thing found. A `note` is worth a warning and never more: a control that was weaker than it should be, a little evidence that was cut. `refs`
 * name the artifacts or ledger records that show it.
 */
export type Finding = {
  category: Category;
  grade: "note" | "finding";
  reason: string;
  source: Source;
  refs?: string[];
  /** Text by somebody else that shows it: the end of an output. */
  detail?: string;
  /** What the verdict is not softer than, whatever the policy makes of the category. */
  least?: VerdictWord;
};
