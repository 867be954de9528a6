// What a lane's answer comes to where its prompt was marked as a review (`_meta["brokellm/laneRole"]`): one JSON object, checked by the schema that the
// harness's reviewers answer by. Whatever is not that object is a degraded result with its reason, and never an opinion. Pure.

import * as v from "valibot";
import { laneResultSchema, objectIn, opinionOf } from "#harness/roles/answer.ts";
import type { Opinion } from "#harness/verdict/decide.ts";
import { verdicts } from "#harness/verdict/words.ts";
import { parseJson } from "#src/core/json.ts";
import type { StopReason } from "./schema.ts";

export const laneRoles = ["worker", "verifier", "adversary"] as const;
export type LaneRole = (typeof laneRoles)[number];

/** Members of `_meta`: on a prompt the role its answer is for, on its response the result. */
export const LANE_ROLE = "brokellm/laneRole";
export const LANE_RESULT = "brokellm/laneResult";
/** On the response too, where what was reviewed is the work of a run that is over: which, and whether it counted there. */
export const REVIEWED = "brokellm/reviewed";

const { objections } = laneResultSchema.entries;
const ref = /^(ledger:\d+|artifact:[0-9a-f]{64}|path:[^]+)$/;

/** What is wanted of an answer beyond what the harness's own reviewers say. */
const answerSchema = v.object({
  ...laneResultSchema.entries,
  findings: objections,
  role: v.picklist(laneRoles),
  status: v.picklist(["completed", "failed"]),
});
type Answer = v.InferOutput<typeof answerSchema>;

export type LaneResult = {
  role: LaneRole;
  /** `failed_schema`: the answer is not what it must be. */
  status: "completed" | "failed" | "cancelled" | "failed_schema";
  summary: string;
  findings: Answer["findings"];
  objections: Answer["objections"];
  recommended_verdict: Answer["recommended_verdict"] | null;
  confidence: number | null;
  evidence_refs: string[];
  /** Who answered: lane, model and the like. */
  provider_metadata: Record<string, string>;
  degraded: boolean;
  degraded_reason: string | null;
};

/** The role a prompt is marked with; undefined: it is no review. Null: it is marked with none that there is. */
export function laneRoleOf(meta: unknown): LaneRole | null | undefined {
  const parsed = v.safeParse(v.looseObject({ [LANE_ROLE]: v.optional(v.unknown()) }), meta);
  const said = parsed.success ? parsed.output[LANE_ROLE] : undefined;
  if (said === undefined) return undefined;
  return laneRoles.find((role) => role === said) ?? null;
}

const duties: Record<LaneRole, string> = {
  worker: "You did the work: say truthfully what it came to.",
  verifier: "You are the verifier: say whether the work does what was asked, and what shows it.",
  adversary: "You are the adversary: look for how the work cheats or harms.",
};

/** What a prompt of that role is told about its answer. */
export function laneContract(role: LaneRole): string {
  return `${duties[role]} Your last words must be one JSON object and nothing else:
{
  "role": "${role}",
  "status": "completed" | "failed",
  "summary": one or two sentences,
  "findings": [{ "severity": "note" | "minor" | "major" | "critical", "text": what you found, "evidence_refs": [refs] }],
  "objections": [the same form: what must be done differently],
  "recommended_verdict": ${verdicts.map((word) => JSON.stringify(word)).join(" | ")},
  "confidence": a number from 0 to 1,
  "evidence_refs": [refs your verdict rests on]
}
A ref is "ledger:<number>", "artifact:<sha256>" or "path:<path in the workspace>".`;
}

const empty = { findings: [], objections: [], recommended_verdict: null, confidence: null, evidence_refs: [] };

type Ended = StopReason | "error";
const ends: Partial<Record<Ended, string>> = {
  cancelled: "the turn was cancelled",
  max_tokens: "the answer broke off: it was too long",
  max_turn_requests: "the turn was ended before there was an answer",
  refusal: "the model refused to answer",
  error: "the turn failed",
};

/** What keeps an answer of the right form from being used. */
function faultOf(answer: Answer, role: LaneRole, known: ReadonlySet<string> | undefined): string | undefined {
  if (answer.role !== role) return `it answers as ${answer.role}`;
  const items = [...answer.findings, ...answer.objections];
  const named = [...answer.evidence_refs, ...items.flatMap(({ evidence_refs: refs }) => refs)];
  const wrong = named.filter((each) => !(known?.has(each) ?? ref.test(each)));
  if (wrong.length > 0) return `${wrong.length} of its refs lead nowhere`;
  return answer.status === "failed" ? "it says that it failed" : undefined;
}

/**
 * The result of an answer: `text` is what was said after the last tool, `provider` who said it, `stop` how the turn ended. `known`: the refs that there
 * are; left out, any of the right form is one.
 */
export function laneResultOf(
  role: LaneRole,
  text: string,
  provider: Record<string, string>,
  stop: Ended = "end_turn",
  known?: ReadonlySet<string>,
): LaneResult {
  const base = { role, provider_metadata: provider };
  const none = (status: LaneResult["status"], reason: string): LaneResult => ({
    ...{ ...base, status, summary: "", ...empty },
    ...{ degraded: true, degraded_reason: reason },
  });
  const end = ends[stop];
  if (end !== undefined) return none(stop === "cancelled" ? "cancelled" : "failed", end);
  const value = parseJson(objectIn(text));
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return none("failed_schema", "the answer is not one JSON object");
  const parsed = v.safeParse(answerSchema, value);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const where = v.getDotPath(issue) ?? "the whole";
    return none("failed_schema", `${where} is not what it must be (${issue.expected ?? "other"})`);
  }
  const fault = faultOf(parsed.output, role, known);
  const failed = parsed.output.status === "failed";
  if (fault !== undefined && !failed) return none("failed_schema", fault);
  return { ...parsed.output, ...base, degraded: fault !== undefined, degraded_reason: fault ?? null };
}

/** What the result is worth to the verdict: nothing where it is degraded. */
export function laneOpinion(result: LaneResult): Opinion {
  const { recommended_verdict, confidence, degraded, degraded_reason, summary, objections, findings, evidence_refs } =
    result;
  if (degraded || recommended_verdict === null || confidence === null)
    return { state: "absent", reason: `the ${result.role} gave no opinion: ${degraded_reason ?? "unknown"}` };
  return opinionOf({
    recommended_verdict,
    confidence,
    summary,
    objections: [...objections, ...findings],
    evidence_refs,
  });
}
