// A verdict on evidence that somebody typed in, or once more on what a run was judged by: the same algebra, everything typed marked so. Acts on nothing. Pure.

import { createHash } from "node:crypto";
import { canonicalJson, type Json } from "#src/core/json.ts";
import { type Category, type Finding, meanings } from "./verdict/categories.ts";
import type { Decision, Judged, Role } from "./verdict/decide.ts";
import { policies, policyNames, wordFor } from "./verdict/policies.ts";

export const EVIDENCE_CONTRACT_VERSION = 2;
const NORMALIZATION_VERSION = "1";
const MAX_REASONS = 12;
/** So many events of the policy without a test are a matter of verification. */
const MANY_EVENTS = 3;

/** What may be typed in, by option, with the artifact it becomes. */
export const evidenceOptions = {
  task: "task_statement",
  diff: "diff_summary",
  tests: "test_result_summary",
  commands: "command_trace_summary",
  "policy-events": "policy_event_summary",
  "retry-summary": "retry_summary",
} as const;
export type EvidenceOption = keyof typeof evidenceOptions;
export const evidenceNames = Object.keys(evidenceOptions) as EvidenceOption[];

const hashOf = (value: Json) => createHash("sha256").update(canonicalJson(value)).digest("hex");
const linesIn = (text: string | undefined) => (text ? text.trim().split("\n").length : 0);

export type TypedEvidence = Partial<Record<EvidenceOption, string>>;

/** The evidence as artifacts: an observation for each option, said or not, and one inference from them all. */
export function typedArtifacts(typed: TypedEvidence, checkpointKind: string, modelFamily: string) {
  const observations = evidenceNames.map((option) => {
    const text = typed[option] ?? "";
    const kind = option.replace("-", "_");
    const metadata = { observation_class: "observation", present: text !== "", line_count: linesIn(text) };
    const content = { [evidenceOptions[option]]: text };
    const sha256 = hashOf({ kind, normalization_version: NORMALIZATION_VERSION, content, metadata });
    return { id: `${kind}.${sha256.slice(0, 12)}`, kind, sha256, ...metadata };
  });
  const observationHashes = observations.map(({ sha256 }) => sha256);
  const summary = Object.fromEntries(
    observations.map(({ kind, present, line_count }) => [kind, { present, line_count }]),
  );
  const inference = hashOf({ kind: "evidence_summary", summary, derived_from: observationHashes });
  const checkpoint = {
    ...{ checkpoint_kind: checkpointKind, model_family: modelFamily, task_packet_hash: observationHashes[0]! },
    ...{ observation_hashes: observationHashes, inference_hashes: [inference] },
    ...{ evidence_contract_version: EVIDENCE_CONTRACT_VERSION, evidence_summary: summary },
  };
  return { observations, checkpoint: { ...checkpoint, checkpoint_evidence_hash: hashOf(checkpoint) } };
}

const typedFinding = (category: Category, reason: string): Finding => ({
  ...{ category, grade: "finding", reason, source: "manual" },
});

/** What is missing in what was typed. */
export function typedFindings(typed: TypedEvidence): Finding[] {
  const has = (option: EvidenceOption) => (typed[option] ?? "") !== "";
  return [
    ...(has("diff") && !has("tests") ? [typedFinding("evidence", "there is a diff, and no test")] : []),
    ...(has("diff") && !has("commands") ? [typedFinding("evidence", "there is a diff, and no command")] : []),
    ...(linesIn(typed["policy-events"]) >= MANY_EVENTS && !has("tests")
      ? [typedFinding("verification", `${MANY_EVENTS} events of the policy or more, and no test`)]
      : []),
    typedFinding("evidence", "the evidence was typed in"),
  ];
}

/** The algebra itself, as one hash: a verdict is not taken from a cache that was filled by another one. */
const algebra = hashOf(
  (Object.keys(meanings) as Category[]).map((category) => [
    category,
    ...policyNames.map(
      (policy) => `${wordFor(category, policy)} ${policies[policy].retries} ${policies[policy].required.join()}`,
    ),
  ]),
);

/** Everything that decides, but for the words of the roles, as one key. */
export function verdictKey(
  { policy, risk, retries, retryBudget, required, findings, roles }: Judged,
  evidence: string,
): string {
  const health = Object.entries(roles).map(([role, opinion]) => [
    role,
    opinion?.state === "given"
      ? opinion.health === "healthy"
        ? null
        : [opinion.health, opinion.reason ?? null]
      : null,
  ]);
  const unwell = health.filter(([, state]) => state !== null);
  return hashOf({
    ...{ algebra, evidence, policy, risk, retries, budget: retryBudget ?? null, required: [...(required ?? [])] },
    ...{ findings: findings as unknown as Json, health: unwell as Json },
  });
}

export type Evaluation = Record<string, Json>;

/** One evaluation as it is told. `reused`: an earlier one of the same evidence under the same terms, whose roles had spoken. */
export function describeEvaluation(
  judged: Judged,
  decision: Decision,
  about: { source: string; run: string | null; checkpoint: Record<string, Json>; reused: boolean },
): Evaluation {
  const { verdict, categories, reasons, contributions } = decision;
  const roles = Object.entries(judged.roles) as [Role, NonNullable<Judged["roles"][Role]>][];
  const health = roles.map(([role, opinion]) => [role, opinion.state === "given" ? opinion.health : "absent"] as const);
  return {
    ...{ mode: judged.policy, source: about.source, run: about.run, verdict, categories },
    reasons: reasons.slice(0, MAX_REASONS),
    role_verdicts: Object.fromEntries(
      roles.map(([role, opinion]) => [role, opinion.state === "given" ? opinion.verdict : null]),
    ),
    lane_health: Object.fromEntries(health),
    degraded_roles: health.flatMap(([role, state]) => (state === "healthy" ? [] : [role])),
    ...{ risk: judged.risk, retries: judged.retries },
    ...about.checkpoint,
    verdict_contributions: contributions.map(({ from, category, word, reason }) => ({ from, category, word, reason })),
    ...{ reused_final_verdict: about.reused, reused_roles: about.reused ? roles.map(([role]) => role) : [] },
  };
}
