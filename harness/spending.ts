// What a run's worker spends on models, as the gateway saw it, against its budget. The request that goes beyond it is the last: the run is ended, and no
// other is let through, beside it neither. Where money is limited, an answer whose price nobody can tell is the last, too. A request that the worker
// breaks off is one that was made, as is one that breaks off itself; what it took is often not told, so only a few such are left to it.
// Does not stop: the answers that are on their way together, from taking more tokens or money than is left; a provider that does not say how many tokens
// it took, which is a finding.

import type { Reached } from "#sandbox/limits.ts";
import type { Terms } from "./contract/terms.ts";
import type { ModelRequest } from "./ports.ts";
import type { Finding } from "./verdict/categories.ts";

export type Spending = {
  /** Whether one more request may be made: what gives its place back, once, when it is over; undefined where the budget has no room for it. */
  admit(): (() => void) | undefined;
  count(request: Spent): void;
  /** What to do, once, when the budget is spent; done at once when it is already. */
  onSpent(act: (reached: Reached) => void): void;
  reached(): Reached | undefined;
  findings(): Finding[];
};

export type Spent = Omit<ModelRequest, "slot" | "backend" | "path" | "losses" | "ms">;

const finding = (reason: string): Finding => ({
  category: "evidence",
  grade: "finding",
  source: "observation",
  reason,
});

/** All tokens an answer took, its cache's with them; null when the provider did not say. */
function tokensOf({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: Spent): number | null {
  if (inputTokens === null || outputTokens === null) return null;
  return inputTokens + outputTokens + (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
}

/** Requests that were broken off and whose tokens or cost nobody can tell: a client does that now and then, and one that does it on and on evades. */
const MOST_UNTOLD = 8;

/** Counts against a budget. A turn is a request that a model answered, or was asked and not let to. */
export function countSpending({ turns, tokens, cost }: Terms["budget"]): Spending {
  const spent = { turns: 0, tokens: 0, cost: 0 };
  let silent = 0;
  let unpriced = 0;
  let open = 0;
  const brokenOff = { tokens: 0, cost: 0 };
  let first: Reached | undefined;
  let act: (reached: Reached) => void = () => {};
  const over = (which: "turns" | "tokens" | "cost", limit: number | null): Reached | undefined =>
    limit !== null && spent[which] > limit ? { which, value: spent[which], limit } : undefined;
  const untold = (which: "tokens" | "cost", limit: number | null): Reached | undefined =>
    limit !== null && brokenOff[which] > MOST_UNTOLD ? { which, value: spent[which], limit } : undefined;
  return {
    admit() {
      if (first !== undefined || (turns !== null && spent.turns + open > turns)) return undefined;
      open += 1;
      let over = false;
      return () => {
        open -= over ? 0 : 1;
        over = true;
      };
    },
    count(request) {
      // What the client broke off before was asked of a model, and may have been paid for.
      if (!request.begun && (!request.aborted || request.attempts === 0)) return;
      // What was broken off took something, and perhaps nobody can say how much.
      const answered = request.status < 400;
      spent.turns += 1;
      if (!answered && request.inputTokens === null) brokenOff.tokens += 1;
      if (!answered && request.costUsd === null) brokenOff.cost += 1;
      const taken = tokensOf(request);
      spent.tokens += taken ?? (request.inputTokens ?? 0) + (request.outputTokens ?? 0);
      if (taken === null) silent += 1;
      spent.cost += request.costUsd ?? 0;
      if (request.costUsd === null) unpriced += 1;
      if (first !== undefined) return;
      first = over("turns", turns) ?? over("tokens", tokens) ?? over("cost", cost);
      first ??= untold("tokens", tokens) ?? untold("cost", cost);
      if (first === undefined && cost !== null && answered && request.costUsd === null)
        first = { which: "cost", value: spent.cost, limit: cost };
      if (first !== undefined) act(first);
    },
    onSpent(then) {
      act = then;
      if (first !== undefined) then(first);
    },
    reached: () => first,
    findings: () => [
      ...(tokens === null || silent === 0 ? [] : [finding(`${silent} answers did not say how many tokens they took`)]),
      ...(cost === null || unpriced === 0
        ? []
        : [
            finding(
              `what ${unpriced} answers cost cannot be told: their backends have no price, or did not say their tokens`,
            ),
          ]),
    ],
  };
}
