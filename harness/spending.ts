// What a run's worker spends on models, as the gateway saw it, against its budget. The request that goes beyond it is the last: the run is ended.
// Does not stop: the answer that is on its way; a provider that does not say how many tokens it took, which is a finding.

import type { Reached } from "#sandbox/limits.ts";
import type { Terms } from "./contract/terms.ts";
import type { ModelRequest } from "./ports.ts";
import type { Finding } from "./verdict/categories.ts";

export type Spending = {
  count(request: Pick<ModelRequest, "status" | "inputTokens" | "outputTokens">): void;
  /** What to do, once, when the budget is spent; done at once when it is already. */
  onSpent(act: (reached: Reached) => void): void;
  reached(): Reached | undefined;
  findings(): Finding[];
};

/** Counts against a budget. A turn is a request that a model answered. */
export function countSpending({ turns, tokens }: Terms["budget"]): Spending {
  const spent = { turns: 0, tokens: 0 };
  let silent = 0;
  let first: Reached | undefined;
  let act: (reached: Reached) => void = () => {};
  return {
    count({ status, inputTokens, outputTokens }) {
      if (status >= 400) return;
      spent.turns += 1;
      spent.tokens += (inputTokens ?? 0) + (outputTokens ?? 0);
      if (inputTokens === null || outputTokens === null) silent += 1;
      if (first !== undefined) return;
      if (turns !== null && spent.turns > turns) first = { which: "turns", value: spent.turns, limit: turns };
      else if (tokens !== null && spent.tokens > tokens)
        first = { which: "tokens", value: spent.tokens, limit: tokens };
      if (first !== undefined) act(first);
    },
    onSpent(then) {
      act = then;
      if (first !== undefined) then(first);
    },
    reached: () => first,
    findings() {
      if (tokens === null || silent === 0) return [];
      const reason = `${silent} answers did not say how many tokens they took`;
      return [{ category: "evidence", grade: "finding", source: "observation", reason }];
    },
  };
}
