// One request as the log knows it: an id, and one report at its end, however it ends.

import { newRequestId } from "#src/core/ids.ts";
import type { Hold } from "#src/state/limits.ts";
import { usedBy } from "./allowance.ts";
import type { GatewayDeps, RequestReport } from "./ports.ts";
import { noUsage } from "./usage.ts";

export type Exchange = {
  readonly id: string;
  /** Notes what has become known. */
  note(change: Partial<RequestReport>): void;
  /** One attempt more. */
  attempt(): void;
  attempts(): number;
  /** What is given back, or paid, at its end. */
  hold(hold: Hold): void;
  /** Tokens that came, as far as their bytes tell; for an answer whose end does not. */
  saw(tokens: number): void;
  /** Reports, the first time only. */
  finish(change: Partial<RequestReport>): void;
};

/** Starts the clock of a request. */
export function openExchange(path: string, deps: Pick<GatewayDeps, "onBegin" | "onReport">): Exchange {
  deps.onBegin?.();
  const started = performance.now();
  let over = false;
  let held: Hold | undefined;
  let seen = 0;
  const state: RequestReport = {
    id: newRequestId(),
    slot: null,
    backend: null,
    path,
    status: 0,
    attempts: 0,
    ...noUsage,
    losses: [],
    ms: 0,
    aborted: false,
  };
  return {
    id: state.id,
    note: (change) => void Object.assign(state, change),
    attempt: () => void (state.attempts += 1),
    attempts: () => state.attempts,
    hold: (hold) => void (held = hold),
    saw: (tokens) => void (seen = tokens),
    finish(change) {
      if (over) return;
      over = true;
      const report = { ...state, ...change, ms: performance.now() - started };
      held?.settle(usedBy(report, seen, held.need));
      deps.onReport(report);
    },
  };
}
