// What a run was judged by, as it is stored among its artifacts: enough to judge it once more. Pure.

import * as v from "valibot";
import { categories, sources } from "./verdict/categories.ts";
import type { Judged } from "./verdict/decide.ts";
import { policyNames, reviewers, risks } from "./verdict/policies.ts";
import { verdicts } from "./verdict/words.ts";

const source = v.picklist(sources);
const opinion = v.variant("state", [
  v.object({
    state: v.literal("given"),
    verdict: v.picklist(verdicts),
    health: v.picklist(["healthy", "degraded", "failed"]),
    reason: v.optional(v.string()),
    detail: v.optional(v.string()),
    source,
  }),
  v.object({ state: v.literal("absent"), reason: v.optional(v.string()) }),
]);

export const judgedSchema = v.object({
  policy: v.picklist(policyNames),
  risk: v.picklist(risks),
  retries: v.number(),
  retryBudget: v.nullable(v.number()),
  required: v.array(v.picklist(reviewers)),
  findings: v.array(
    v.object({
      category: v.picklist(categories),
      grade: v.picklist(["note", "finding"]),
      reason: v.string(),
      source,
      refs: v.optional(v.array(v.string())),
      detail: v.optional(v.string()),
      least: v.optional(v.picklist(verdicts)),
    }),
  ),
  roles: v.object({ worker: v.optional(opinion), verifier: v.optional(opinion), adversary: v.optional(opinion) }),
});
export type StoredJudged = v.InferOutput<typeof judgedSchema>;

/** It as the algebra takes it. */
export const judgedOf = (stored: StoredJudged): Judged => stored as Judged;
