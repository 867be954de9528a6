// From findings and opinions to one verdict: each alone is worth a word, and the hardest word is the verdict. So nothing that is added, and nothing
// that gets worse, can ever make it softer; and no opinion can take away what was observed. Pure.

import type { Category, Finding } from "./categories.ts";
import { isGrave, policies, type PolicyName, type Reviewer, reviewers, type Risk, wordFor } from "./policies.ts";
import { atLeast, harder, type VerdictWord } from "./words.ts";

export type Role = "worker" | Reviewer;

/**
 * What a role had to say. `degraded`: it answered, with less than was asked; `failed`: nothing that can be used. `absent` is a reviewer nobody asked,
 * or that never answered.
 */
export type Opinion =
  | {
      state: "given";
      verdict: VerdictWord;
      health: "healthy" | "degraded" | "failed";
      reason?: string;
      /** Its objections, in its own words. */
      detail?: string;
      source: Finding["source"];
    }
  | { state: "absent"; reason?: string };

export type Judged = {
  policy: PolicyName;
  risk: Risk;
  /** How often the worker was sent back already. */
  retries: number;
  /** How often it may be at most, where that is said beside the policy. */
  retryBudget?: number | null;
  /** Reviewers whose absence is a finding, beside those of the policy. */
  required?: readonly Reviewer[];
  findings: readonly Finding[];
  roles: Partial<Record<Role, Opinion>>;
};

/** What one finding or opinion was worth. */
export type Contribution = {
  from: "observation" | "manual" | "policy" | Role;
  category: Category | null;
  word: VerdictWord;
  reason: string;
  /** Text by somebody else that shows it. */
  detail?: string;
};

export type Decision = {
  verdict: VerdictWord;
  categories: Category[];
  reasons: string[];
  contributions: Contribution[];
};

/** Retries are lifted where the risk is grave, and end with the policy's number of them. */
function lift(word: VerdictWord, { policy, risk, retries, retryBudget }: Judged): VerdictWord {
  if (word !== "RETRY_NARROW" && word !== "RETRY_BROAD") return word;
  if (retries >= Math.min(policies[policy].retries, retryBudget ?? Infinity)) return "ESCALATE";
  return isGrave(risk) ? "RETRY_BROAD" : word;
}

const NOTE = "ACCEPT_WITH_WARNINGS";

const shownBy = (detail: string | undefined) => (detail === undefined ? {} : { detail });

function ofFinding({ category, grade, reason, source, least, detail }: Finding, judged: Judged): Contribution {
  const worth = grade === "note" ? NOTE : lift(wordFor(category, judged.policy), judged);
  const word = least === undefined ? worth : harder(worth, least);
  return { from: source === "review" ? "verifier" : source, category, word, reason, ...shownBy(detail) };
}

/** What a role's objection is about. A worker's own counts against it, never for it. */
function categoryOf(role: Role, verdict: VerdictWord): Category {
  if (role === "verifier") return "verification";
  if (role === "adversary") return atLeast(verdict, "ESCALATE") ? "fabrication" : "quality";
  return verdict === "BLOCK" ? "fabrication" : "quality";
}

function ofObjection(
  role: Role,
  { verdict, reason, detail }: Extract<Opinion, { state: "given" }>,
  judged: Judged,
): Contribution[] {
  if (!atLeast(verdict, "RETRY_NARROW")) return [];
  const category = categoryOf(role, verdict);
  // Under `off` nobody's opinion sends anybody back; it is told.
  // An opinion alone discards nothing: what a reviewer would block, the operator is asked about.
  const own = judged.policy === "off" ? NOTE : verdict === "BLOCK" ? "ESCALATE" : verdict;
  const word = harder(lift(own, judged), lift(wordFor(category, judged.policy), judged));
  return [{ from: role, category, word, reason: reason ?? `the ${role} says ${verdict}`, ...shownBy(detail) }];
}

function ofRole(role: Role, opinion: Opinion | undefined, judged: Judged): Contribution[] {
  const isRequired = (list: readonly Reviewer[] | undefined) => role !== "worker" && (list?.includes(role) ?? false);
  const required = isRequired(policies[judged.policy].required) || isRequired(judged.required);
  const worth = lift(wordFor("review_degraded", judged.policy), judged);
  if (opinion === undefined || opinion.state === "absent") {
    if (opinion === undefined && !required) return [];
    return [
      { from: role, category: "review_degraded", word: worth, reason: opinion?.reason ?? `no ${role} was asked` },
    ];
  }
  const objection = ofObjection(role, opinion, judged);
  if (opinion.health === "healthy") return objection;
  const reason = opinion.reason ?? `the ${role}'s answer is ${opinion.health}`;
  return [...objection, { from: role, category: "review_degraded", word: worth, reason }];
}

/** Typed in by somebody, and so not enough where evidence is what counts. */
function ofManual({ roles, findings, policy }: Judged): Finding[] {
  const typed =
    findings.some(({ source }) => source === "manual") ||
    Object.values(roles).some((role) => role?.state === "given" && role.source === "manual");
  if (policy !== "high_assurance" || !typed) return [];
  return [{ category: "evidence", grade: "finding", reason: "what was typed in is not evidence", source: "manual" }];
}

/** The verdict, with the hardest reasons first. */
export function decide(judged: Judged): Decision {
  const contributions = [
    ...[...judged.findings, ...ofManual(judged)].map((finding) => ofFinding(finding, judged)),
    ...(["worker", ...reviewers] as const).flatMap((role) => ofRole(role, judged.roles[role], judged)),
  ];
  const verdict = contributions.reduce<VerdictWord>((word, each) => harder(word, each.word), "ACCEPT");
  const sorted = contributions.toSorted((a, b) => Number(atLeast(b.word, a.word)) - Number(atLeast(a.word, b.word)));
  return {
    verdict,
    categories: [...new Set(sorted.flatMap(({ category }) => (category === null ? [] : [category])))],
    reasons: [...new Set(sorted.map(({ reason }) => reason))],
    contributions: sorted,
  };
}
