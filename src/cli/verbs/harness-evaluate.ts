// `broke harness evaluate`: a verdict on evidence typed in by hand, or once more on what a run was judged by. Nothing follows from it.

import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

const word = (description: string, valueHint: string) => ({ type: "string" as const, description, valueHint });

const roles = Object.fromEntries(
  ["worker", "verifier", "adversary"].flatMap((role) => [
    [role, word(`what the ${role} says`, "verdict")],
    [`${role}-health`, word(`how well the ${role} answered: healthy, degraded or failed`, "health")],
    [`${role}-error`, word(`what kept the ${role} from answering`, "text")],
  ]),
);

export const verb: Verb = {
  description: "Judge evidence that you type in, or a run once more; nothing follows from it",
  args: {
    run: { type: "positional", description: "run id; without one, what is typed", required: false },
    ...roles,
    policy: word("off, throughput, balanced or high_assurance; the run's or the stored one", "policy"),
    risk: word("low, normal (default), medium, high, critical, release or security", "risk"),
    retries: word("how often the worker was sent back already", "number"),
    finding: word("what was found: a category, or category:note, any of them", "category,…"),
    task: word("what was asked for", "text"),
    diff: word("what was changed", "text"),
    tests: word("what came of the tests", "text"),
    commands: word("what was run", "text"),
    "policy-events": word("what the policy had to say, a line each", "text"),
    "retry-summary": word("what came before", "text"),
    "checkpoint-kind": word("completion_proposal (default), or another name", "name"),
    "model-family": word("generic (default), or another name", "name"),
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { evaluate } = await import("../evaluating.ts");
    const told = await evaluate({ option: (name) => values[name]?.[0], run: values.run?.[0] });
    if (flags.has("json")) {
      answerJson(told);
      return 0;
    }
    const { verdict, source, reused_final_verdict: reused, verdict_contributions: rows } = told;
    answer(`${String(verdict)} (source: ${String(source)}${reused === true ? ", reused" : ""})`);
    const each = rows as { word: string; from: string; category: string | null; reason: string }[];
    if (each.length > 0) answer(table(each.map((row) => [row.word, row.from, row.category ?? "", row.reason])));
    return 0;
  },
};
