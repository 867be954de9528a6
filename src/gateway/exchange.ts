// One request as the log knows it: an id, and one report at its end, however it ends.

import { keyReference, newRequestId } from "#src/core/ids.ts";
import type { Attempt } from "#src/routing/candidates.ts";
import type { TriedAttempt } from "#src/state/requests.ts";
import type { Hold } from "#src/state/limits.ts";
import { usedBy } from "./allowance.ts";
import { type Caller, liveCaller } from "./caller.ts";
import type { GatewayDeps, RequestReport } from "./ports.ts";
import { noUsage } from "./usage.ts";

export type Exchange = {
  readonly id: string;
  /** Notes what has become known. */
  note(change: Partial<RequestReport>): void;
  /** One attempt more. */
  attempt(): void;
  attempts(): number;
  /** What came of an attempt; `reason` null: it answered. */
  tried(attempt: Attempt, status: number, reason: string | null): void;
  /** The first content is there; `answered` is the model that the provider says it is. */
  first(attempt: Attempt, answered: string | null): void;
  /** Under which generation. */
  under(generation: number): void;
  /** What is given back, or paid, at its end. */
  hold(hold: Hold, unpricedUsd: number): void;
  /** Tokens that came, as far as their bytes tell; for an answer whose end does not. */
  saw(tokens: number): void;
  /** Reports, the first time only. */
  finish(change: Partial<RequestReport>): void;
};

/** Starts the clock of a request. */
export function openExchange(
  path: string,
  deps: Pick<GatewayDeps, "onBegin" | "onReport" | "requests" | "clock">,
  { run, profile, token }: Caller = liveCaller,
): Exchange {
  deps.onBegin?.();
  const atMs = deps.clock();
  const tried: TriedAttempt[] = [];
  const about: { generation: number | null; ttftMs: number | null; model: string | null; answered: string | null } = {
    ...{ generation: null, ttftMs: null, model: null, answered: null },
  };
  const started = performance.now();
  let over = false;
  let held: Hold | undefined;
  let unpriced = 0;
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
    tried({ backend, keyName }, status, reason) {
      tried.push({ backend: backend.label, key: keyName === null ? null : keyReference(keyName), status, reason });
    },
    first({ backend }, answered) {
      Object.assign(about, { ttftMs: performance.now() - started, model: backend.model, answered });
    },
    under: (generation) => void (about.generation = generation),
    hold(hold, unpricedUsd) {
      held = hold;
      unpriced = unpricedUsd;
    },
    saw: (tokens) => void (seen = tokens),
    finish(change) {
      if (over) return;
      over = true;
      const report = { ...state, ...change, ms: performance.now() - started };
      held?.settle(usedBy(report, seen, held.need, unpriced));
      const { attempts: _, losses: __, ...logged } = report;
      deps.requests.add({ ...logged, ...about, atMs, run, profile, token, key: tried.at(-1)?.key ?? null, tried });
      deps.onReport(report);
    },
  };
}
