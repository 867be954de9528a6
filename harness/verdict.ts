// Decides a run's verdict from what the supervisor observed. Pure. What the worker said of itself is not an input.

import { amountWords, type Reached } from "#sandbox/limits.ts";

export const verdicts = ["ACCEPT", "ACCEPT_WITH_WARNINGS", "RETRY_NARROW", "RETRY_BROAD", "ESCALATE", "BLOCK"] as const;
export type VerdictWord = (typeof verdicts)[number];

export type Observed = {
  end:
    | { kind: "exited"; code: number; signal: number | null }
    /** A limit ended it. `code` is the client's own, if it still said one that is not 0. */
    | { kind: "limited"; reached: Reached; code: number | null }
    | { kind: "unobserved"; reason: string };
  /** Controls that were weaker than the profile asks for. */
  warnings: string[];
  inventoryComplete: boolean;
};

export type Verdict = { verdict: VerdictWord; reasons: string[] };

/** The verdict and its reasons, most important first. */
export function decideVerdict(observed: Observed): Verdict {
  const { end, warnings } = observed;
  if (end.kind === "unobserved") return { verdict: "BLOCK", reasons: [`unobserved: ${end.reason}`] };
  if (end.kind === "limited") {
    const { which, limit } = end.reached;
    return { verdict: "RETRY_NARROW", reasons: [`the run reached its limit: ${which} ${amountWords(which, limit)}`] };
  }
  if (end.signal !== null)
    return { verdict: "RETRY_NARROW", reasons: [`the client was ended by signal ${end.signal}`] };
  if (end.code !== 0) return { verdict: "RETRY_NARROW", reasons: [`the client exited with ${end.code}`] };
  const reasons = [...warnings];
  if (!observed.inventoryComplete) reasons.push("the workspace has more entries than were compared");
  return reasons.length > 0
    ? { verdict: "ACCEPT_WITH_WARNINGS", reasons }
    : { verdict: "ACCEPT", reasons: ["the client exited with 0 and every control held"] };
}

const verdictExit: Record<VerdictWord, number> = {
  ACCEPT: 0,
  ACCEPT_WITH_WARNINGS: 0,
  RETRY_NARROW: 10,
  RETRY_BROAD: 11,
  ESCALATE: 12,
  BLOCK: 13,
};

export type RunExit = { code: number; source: "client" | "verdict" | "broke" };

/** The product's exit code: unobserved 5, else the client's own non-zero code, else the verdict's. */
export function exitOf(observed: Observed, verdict: VerdictWord): RunExit {
  if (observed.end.kind === "unobserved") return { code: 5, source: "broke" };
  const own = observed.end.code ?? 0;
  if (own !== 0) return { code: own, source: "client" };
  const code = verdictExit[verdict];
  return { code, source: code === 0 ? "client" : "verdict" };
}
