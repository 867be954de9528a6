// Which turn of the worker follows a verdict, if any: the same session with the objections, or again from a clean tree with them. Pure.

import { createHash } from "node:crypto";
import type { Json } from "#src/core/json.ts";
import type { RunContract } from "../contract/contract.ts";
import { type Objection, objectionsOf, objectionText } from "../objections.ts";
import type { Decision } from "../verdict/decide.ts";

/** `text` is what the worker is told of the objections. */
export type Turn = { number: number } & (
  { kind: "first" } | { kind: "narrow" | "broad"; objections: Objection[]; text: string }
);
export const firstTurn: Turn = { number: 1, kind: "first" };

export type Situation = {
  contract: Pick<RunContract, "client" | "mode" | "policy" | "task">;
  decision: Decision;
  number: number;
  /** Whether a person sits there. */
  terminal: boolean;
  /** Why the run goes no further, whatever the verdict: told to end, its budget spent. */
  over: string | undefined;
};

/** The next turn, or (`why`) what keeps a worker that is sent back from having one; neither where it is not sent back. */
export function nextTurn({ contract, decision, number, terminal, over }: Situation): { turn?: Turn; why?: string } {
  const { verdict, contributions } = decision;
  if (contract.policy === "off") return {};
  if (verdict !== "RETRY_NARROW" && verdict !== "RETRY_BROAD") return {};
  const objections = objectionsOf(contributions);
  if (objections.length === 0) return { why: "there is nothing in it that the worker could do something about" };
  if (over !== undefined) return { why: over };
  if (terminal)
    return { why: "it is for you to say: `broke harness retry` with this run sends it back with what was found" };
  if (contract.task === null && contract.client !== "exec") return { why: "it was given no task to go on with" };
  const kind = verdict === "RETRY_NARROW" ? "narrow" : "broad";
  if (kind === "broad" && contract.mode === "direct")
    return { why: "the workspace itself cannot be made clean again; work beside it with --workspace=worktree or copy" };
  return { turn: { number: number + 1, kind, objections, text: objectionText(kind, objections) } };
}

/** A turn as the ledger keeps it: what it is, not its words. */
export function turnRecord(turn: Turn): Record<string, Json> {
  if (turn.kind === "first") return { attempt: turn.number, kind: turn.kind };
  return {
    ...{ attempt: turn.number, kind: turn.kind },
    objections: turn.objections.map(({ from, category, reason }) => ({ from, category, reason })),
    told_sha256: createHash("sha256").update(turn.text).digest("hex"),
  };
}
