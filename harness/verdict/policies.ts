// What each policy makes of each kind of finding, as one table: the word a finding alone is worth. A stricter policy is never softer on any of them. Pure.

import type { Category } from "./categories.ts";
import type { VerdictWord } from "./words.ts";

export const policyNames = ["off", "throughput", "balanced", "high_assurance"] as const;
export type PolicyName = (typeof policyNames)[number];

export const risks = ["low", "normal", "medium", "high", "critical", "release", "security"] as const;
export type Risk = (typeof risks)[number];
/** Where a narrow retry is not enough: the tree is not believed any more. */
const GRAVE: ReadonlySet<Risk> = new Set(["high", "critical", "release", "security"]);
export const isGrave = (risk: Risk): boolean => GRAVE.has(risk);

export const reviewers = ["verifier", "adversary"] as const;
export type Reviewer = (typeof reviewers)[number];

export type Policy = {
  /** After so many retries the operator is asked instead. */
  retries: number;
  /** Reviewers whose absence is a finding. */
  required: readonly Reviewer[];
};

export const policies: Record<PolicyName, Policy> = {
  off: { retries: Infinity, required: [] },
  throughput: { retries: 3, required: [] },
  balanced: { retries: 2, required: ["verifier"] },
  high_assurance: { retries: 1, required: ["verifier", "adversary"] },
};

const WARN = "ACCEPT_WITH_WARNINGS";
const NARROW = "RETRY_NARROW";
const ASK = "ESCALATE";
const BLOCK = "BLOCK";

/** A column per policy, in the order of their names. */
const table: Record<Category, readonly [VerdictWord, VerdictWord, VerdictWord, VerdictWord]> = {
  integrity: [BLOCK, BLOCK, BLOCK, BLOCK],
  unobserved: [BLOCK, BLOCK, BLOCK, BLOCK],
  authority_expansion_denied: [BLOCK, BLOCK, BLOCK, BLOCK],
  boundary: [WARN, BLOCK, BLOCK, BLOCK],
  fabrication: [WARN, BLOCK, BLOCK, BLOCK],
  runtime_failure: [NARROW, NARROW, NARROW, NARROW],
  budget_exceeded: [NARROW, NARROW, NARROW, ASK],
  correctness: [WARN, NARROW, NARROW, NARROW],
  verification: [WARN, NARROW, NARROW, BLOCK],
  no_effect: [WARN, NARROW, NARROW, NARROW],
  review_degraded: [WARN, NARROW, NARROW, NARROW],
  suspicious_tests: [WARN, WARN, NARROW, NARROW],
  unattributed_mutation: [WARN, WARN, NARROW, BLOCK],
  unprotected_ledger: [WARN, WARN, WARN, ASK],
  evidence: [WARN, WARN, WARN, NARROW],
  quality: [WARN, WARN, WARN, NARROW],
};

/** What a finding of that category alone is worth under the policy. */
export function wordFor(category: Category, policy: PolicyName): VerdictWord {
  return table[category][policyNames.indexOf(policy)]!;
}

/** The categories that have this word under the policy. */
export function categoriesWith(policy: PolicyName, word: VerdictWord): Category[] {
  return (Object.keys(table) as Category[]).filter((category) => wordFor(category, policy) === word);
}
