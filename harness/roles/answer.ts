// A reviewer's answer, checked: one JSON object whose verdict is one of the words, whose refs are in the evidence. What it says becomes an opinion; an
// answer that contradicts itself counts as the harder of what it says. Pure.

import * as v from "valibot";
import { clip } from "#src/core/text.ts";
import { parseJson } from "#src/core/json.ts";
import type { Opinion } from "../verdict/decide.ts";
import { harder, type VerdictWord, verdicts } from "../verdict/words.ts";

const MAX_TEXT = 4096;
const text = v.pipe(v.string(), v.maxLength(MAX_TEXT));
const refs = v.pipe(v.array(v.pipe(v.string(), v.maxLength(512))), v.maxLength(64));

export const severities = ["note", "minor", "major", "critical"] as const;

/** The lane-result schema: what is more than this is nobody's. */
export const laneResultSchema = v.object({
  recommended_verdict: v.picklist(verdicts),
  confidence: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
  summary: text,
  objections: v.pipe(
    v.array(v.object({ severity: v.picklist(severities), text, evidence_refs: refs })),
    v.maxLength(32),
  ),
  evidence_refs: refs,
});
export type LaneResult = v.InferOutput<typeof laneResultSchema>;

const UNSURE = 0.5;
const MAX_REASON_BYTES = 512;
const MAX_DETAIL_BYTES = 8 * 1024;

/** The object in an answer: the whole of it, or what a fence or some words stand around. */
export function objectIn(answer: string): string {
  const from = answer.indexOf("{");
  const to = answer.lastIndexOf("}");
  return from === -1 || to < from ? answer : answer.slice(from, to + 1);
}

/** Reads an answer; `why` says what keeps it from being used. */
export function readAnswer(answer: string, known: ReadonlySet<string>): { result: LaneResult } | { why: string } {
  const parsed = v.safeParse(laneResultSchema, parseJson(objectIn(answer)));
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return {
      why: `it is not the JSON object of the contract (${v.getDotPath(issue) ?? "the whole"}: ${issue.expected ?? "other"})`,
    };
  }
  const result = parsed.output;
  const named = [...result.evidence_refs, ...result.objections.flatMap(({ evidence_refs: each }) => each)];
  const unknown = named.filter((ref) => !known.has(ref));
  if (unknown.length > 0) return { why: `${unknown.length} of its refs are not in the evidence` };
  if (named.length === 0 && known.size > 0) return { why: "it names no evidence" };
  return { result };
}

/** The least that an objection comes to. */
const worth: Record<(typeof severities)[number], VerdictWord> = {
  note: "ACCEPT",
  minor: "ACCEPT_WITH_WARNINGS",
  major: "RETRY_NARROW",
  critical: "RETRY_NARROW",
};

/** What the answer is worth as an opinion. */
export function opinionOf({ recommended_verdict: said, confidence, summary, objections }: LaneResult): Opinion {
  const verdict = objections.reduce((word, { severity }) => harder(word, worth[severity]), said);
  const unsure = confidence < UNSURE;
  const detail = objections.map(({ severity, text }) => `${severity}: ${text}`).join("\n");
  return {
    ...{ state: "given", verdict, source: "review" },
    health: unsure ? "degraded" : "healthy",
    reason: clip(unsure ? `it is not sure: ${summary}` : summary, MAX_REASON_BYTES).text,
    ...(detail === "" ? {} : { detail: clip(detail, MAX_DETAIL_BYTES).text }),
  };
}
