// What a session's models took, as the gateway of its run saw it; what a client says of itself is not asked. Pure but for waiting.

import type { ModelRequest } from "#harness/ports.ts";
import type { SessionUpdate } from "./schema.ts";

/** An answer is counted a moment after its last byte is out. */
const SETTLE_MS = 500;

/** Tokens of the cache are not part of `inputTokens`. `costUsd` is null where one of the answers has no price. */
export type Usage = {
  requests: number;
  inputTokens: number;
  outputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  costUsd: number | null;
};

export type Meter = {
  begin(): void;
  count(request: ModelRequest): void;
  /** What was taken since this was last called, once nothing is going on any more. */
  takeTurn(): Promise<Usage>;
  total(): Usage;
  /** What an editor is shown, where the model's window is so many tokens; undefined: nothing was asked yet. */
  update(windowTokens: number): SessionUpdate | undefined;
};

const none: Usage = {
  ...{ requests: 0, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, costUsd: 0 },
};

function plus(usage: Usage, request: ModelRequest): Usage {
  return {
    requests: usage.requests + 1,
    inputTokens: usage.inputTokens + (request.inputTokens ?? 0),
    outputTokens: usage.outputTokens + (request.outputTokens ?? 0),
    cacheReadTokens: usage.cacheReadTokens + (request.cacheReadTokens ?? 0),
    cacheWriteTokens: usage.cacheWriteTokens + (request.cacheWriteTokens ?? 0),
    costUsd: usage.costUsd === null || request.costUsd === null ? null : usage.costUsd + request.costUsd,
  };
}

/** Starts at nothing. Requests that no model answered are not counted: those that failed, and those our gateway answers by itself. */
export function makeMeter(): Meter {
  let [turn, total] = [none, none];
  let used: number | undefined;
  let open = 0;
  let settled: (() => void) | undefined;
  return {
    begin: () => void open++,
    count(request) {
      open = Math.max(0, open - 1);
      if (request.status < 400 && request.attempts > 0) {
        [turn, total] = [plus(turn, request), plus(total, request)];
        const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = request;
        const all = (inputTokens ?? 0) + (outputTokens ?? 0) + (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0);
        if (all > 0) used = all;
      }
      if (open === 0) settled?.();
    },
    async takeTurn() {
      if (open > 0) {
        let timer: ReturnType<typeof setTimeout> | undefined;
        await new Promise<void>((resolve) => {
          settled = resolve;
          timer = setTimeout(resolve, SETTLE_MS);
        });
        clearTimeout(timer);
        settled = undefined;
      }
      const taken = turn;
      turn = none;
      return taken;
    },
    total: () => total,
    update(windowTokens) {
      if (used === undefined) return undefined;
      const { costUsd } = total;
      const cost = costUsd === null ? {} : { cost: { amount: costUsd, currency: "USD" } };
      return { sessionUpdate: "usage_update", used, size: Math.max(windowTokens, used), ...cost };
    },
  };
}
