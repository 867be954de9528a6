// What the governor knows of a run and what follows from each command: it may run, the operator is warned, only verification may run, nothing but
// looking may. A table of reasons and one pure step; it never becomes laxer but by a verification that was green, or the operator's
// word. Pure.

import type { Classified } from "./classify.ts";
import { classes, type ClassWord } from "./classes.ts";
import { type Thresholds, WARNING } from "./policy.ts";

export type Mode = "open" | "verification_only" | "blocked";

export const causes = {
  writes: "too much was written since the last green verification",
  risk: "too much was risked since the last green verification",
  failures: "verification failed too often in a row",
  tree_removed: "a command would remove the whole tree, or its history",
  tests_deleted: "tests were deleted, and what is left would be committed",
  operator: "the operator wants a green verification first",
  history_rewritten: "history is rewritten once more, and nothing was verified since",
} as const;
export type Cause = keyof typeof causes;

export type State = {
  mode: Mode;
  /** Why it is not open. */
  cause: Cause | null;
  /** Since the last green verification. */
  writes: number;
  risk: number;
  rewrites: number;
  deletedTests: boolean;
  warned: boolean;
  /** In a row. */
  failures: number;
};

export const fresh: State = {
  ...{ mode: "open", cause: null, writes: 0, risk: 0, rewrites: 0, deletedTests: false, warned: false, failures: 0 },
};

export type GovernorEvent =
  /** `inside`: a test or a build that was let through started it. */
  | { kind: "command"; command: Classified; inside: "test" | "build" | null }
  /** A verification ended. `proof`: the supervisor ran it; else it only saw the worker's end. */
  | { kind: "verified"; green: boolean; proof: boolean }
  /** The operator's word: only verification may run, or everything again, whatever it was held for. */
  | { kind: "operator"; act: OperatorAct };

export const operatorActs = ["force-verify", "clear"] as const;
export type OperatorAct = (typeof operatorActs)[number];

export type Outcome = {
  state: State;
  allowed: boolean;
  /** What the operator is told: the mode has changed, or will soon. */
  news: "warned" | "restricted" | "blocked" | "lifted" | null;
};

/** What may still run once blocked. */
const LOOKING: ReadonlySet<ClassWord> = new Set(["read", "wrapper"]);

/** The sequence this command completes. */
function sequenceOf(state: State, { class: word, tool, deletesTests, commits }: Classified): Cause | null {
  if (word === "destructive" && tool === "rm") return "tree_removed";
  if (commits && (state.deletedTests || deletesTests)) return "tests_deleted";
  if (word === "history" && state.rewrites > 0) return "history_rewritten";
  return null;
}

function overOf(state: State, { writes, risk, failures }: Thresholds): Cause | null {
  if (state.failures >= failures) return "failures";
  if (state.writes >= writes) return "writes";
  return state.risk >= risk ? "risk" : null;
}

const near = (state: State, { writes, risk }: Thresholds) =>
  state.writes >= writes * WARNING || state.risk >= risk * WARNING;

function count(state: State, { class: word, deletesTests }: Classified): State {
  const { writes, risk } = classes[word];
  return {
    ...state,
    writes: state.writes + writes,
    risk: state.risk + risk,
    rewrites: state.rewrites + (word === "history" ? 1 : 0),
    deletedTests: state.deletedTests || deletesTests,
  };
}

/** What the limits make of a state that was open. */
function settle(state: State, limits: Thresholds): Outcome {
  if (state.mode !== "open") return { state, allowed: true, news: null };
  const cause = overOf(state, limits);
  if (cause !== null)
    return { state: { ...state, mode: "verification_only", cause }, allowed: true, news: "restricted" };
  if (!state.warned && near(state, limits)) return { state: { ...state, warned: true }, allowed: true, news: "warned" };
  return { state, allowed: true, news: null };
}

function onCommand(state: State, command: Classified, inside: "test" | "build" | null, limits: Thresholds): Outcome {
  if (state.mode === "blocked") return { state, allowed: LOOKING.has(command.class), news: null };
  const sequence = sequenceOf(state, command);
  if (sequence !== null) {
    const mode = state.mode === "open" ? limits.sequence : "blocked";
    const cause = state.mode === mode ? state.cause : sequence;
    const news = state.mode === mode ? null : mode === "blocked" ? "blocked" : "restricted";
    return { state: { ...state, mode, cause }, allowed: false, news };
  }
  if (inside === "test") return { state, allowed: true, news: null };
  if (state.mode === "verification_only") return { state, allowed: classes[command.class].verifying, news: null };
  return inside === "build" ? { state, allowed: true, news: null } : settle(count(state, command), limits);
}

function onOperator(state: State, act: OperatorAct): Outcome {
  const open = state.mode === "open";
  if (act === "clear") return { state: open ? state : fresh, allowed: true, news: open ? null : "lifted" };
  if (!open) return { state, allowed: true, news: null };
  return { state: { ...state, mode: "verification_only", cause: "operator" }, allowed: true, news: "restricted" };
}

/** One step. A green verification frees from everything but a block; a proof alone frees once only verification may run. */
export function step(state: State, event: GovernorEvent, limits: Thresholds): Outcome {
  if (event.kind === "operator") return onOperator(state, event.act);
  if (event.kind === "command") return onCommand(state, event.command, event.inside, limits);
  if (!event.green) return settle({ ...state, failures: state.failures + 1 }, limits);
  if (state.mode === "open") return { state: fresh, allowed: true, news: null };
  if (state.mode === "blocked" || !event.proof) return { state, allowed: true, news: null };
  return { state: fresh, allowed: true, news: "lifted" };
}

/** What an agent is told whose command was refused, in one line. `next`: a command that would verify. */
export function refusal({ mode, cause }: State, next: string): string {
  const why = cause === null ? "" : `: ${causes[cause]}`;
  if (mode === "blocked")
    return `broke: refused, this run is blocked${why}. Only commands that read may run. Stop, and say so.`;
  return `broke: refused${why}. Until a verification is green, only commands that read or verify may run. Next: ${next}`;
}
