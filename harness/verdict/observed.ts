// What the supervisor saw of a run, as findings, and the exit code that goes with the verdict. Pure. What the worker said of itself is not an input.

import { amountWords, type Reached } from "#sandbox/limits.ts";
import type { Category, Finding } from "./categories.ts";
import { decide, type Decision, type Judged } from "./decide.ts";
import { type VerdictWord, verdictExit } from "./words.ts";

export type Observed = {
  end:
    | { kind: "exited"; code: number; signal: number | null }
    /** A limit ended it. `code` is the client's own, if it still said one that is not 0. */
    | { kind: "limited"; reached: Reached; code: number | null }
    | { kind: "unobserved"; reason: string };
  /** Controls that were weaker than the profile asks for. */
  warnings: string[];
  inventoryComplete: boolean;
  /** What else was found: of its verification, of what it changed. */
  findings?: Finding[];
  /** What reviewers said of it. */
  roles?: Judged["roles"];
};

/** How strictly a run is judged. */
export type Strictness = Omit<Judged, "findings" | "roles">;
export const lenient: Strictness = { policy: "off", risk: "normal", retries: 0 };

function findingOfEnd(end: Observed["end"]): { category: Category; reason: string } | undefined {
  if (end.kind === "unobserved") return { category: "unobserved", reason: `unobserved: ${end.reason}` };
  if (end.kind === "limited") {
    const { which, limit } = end.reached;
    return { category: "budget_exceeded", reason: `the run reached its limit: ${which} ${amountWords(which, limit)}` };
  }
  if (end.signal !== null)
    return { category: "runtime_failure", reason: `the client was ended by signal ${end.signal}` };
  return end.code === 0 ? undefined : { category: "runtime_failure", reason: `the client exited with ${end.code}` };
}

/** What speaks against the run. */
export function findingsOf({ end, warnings, inventoryComplete, findings = [] }: Observed): Finding[] {
  const failure = findingOfEnd(end);
  const note = (category: Category, reason: string): Finding => ({
    category,
    grade: "note",
    reason,
    source: "observation",
  });
  return [
    ...(failure === undefined ? [] : [{ ...failure, grade: "finding" as const, source: "observation" as const }]),
    ...findings,
    ...warnings.map((reason) => note("boundary", reason)),
    ...(inventoryComplete ? [] : [note("evidence", "the workspace has more entries than were compared")]),
  ];
}

export type Verdict = Pick<Decision, "verdict" | "categories" | "reasons">;

/** Everything that was seen and said, each for what it is worth. */
export function decideObserved(observed: Observed, strictness: Strictness = lenient): Decision {
  return decide({ ...strictness, findings: findingsOf(observed), roles: observed.roles ?? {} });
}

/** The verdict and its reasons, most important first. */
export function decideVerdict(observed: Observed, strictness: Strictness = lenient): Verdict {
  return verdictOf(decideObserved(observed, strictness));
}

/** What of a decision goes on record. */
export function verdictOf({ verdict, categories, reasons }: Decision): Verdict {
  const why = reasons.length > 0 ? reasons : ["the client exited with 0 and every control held"];
  return { verdict, categories, reasons: why };
}

export type RunExit = { code: number; source: "client" | "verdict" | "broke" };

/** The product's exit code: unobserved 5, else the client's own non-zero code, else the verdict's. */
export function exitOf(observed: Observed, verdict: VerdictWord): RunExit {
  if (observed.end.kind === "unobserved") return { code: 5, source: "broke" };
  const own = observed.end.code ?? 0;
  if (own !== 0) return { code: own, source: "client" };
  const code = verdictExit[verdict];
  return { code, source: code === 0 ? "client" : "verdict" };
}
