// One request as the log knows it: an id, and one report at its end, however it ends.

import { keyReference, newRequestId } from "#src/core/ids.ts";
import type { Attempt } from "#src/routing/candidates.ts";
import type { TriedAttempt } from "#src/state/requests.ts";
import type { Hold } from "#src/state/limits.ts";
import { usedBy } from "./allowance.ts";
import { type Caller, liveCaller } from "./caller.ts";
import type { GatewayDeps, RequestReport } from "./ports.ts";

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
  hold(hold: Hold): void;
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
  const started = performance.now();
  const tried: TriedAttempt[] = [];
  let generation: number | null = null;
  let ttftMs: number | null = null;
  let model: string | null = null;
  let answered: string | null = null;
  let over = false;
  let held: Hold | undefined;
  let seen = 0;
  const report: RequestReport = {
    id: newRequestId(),
    slot: null,
    backend: null,
    path,
    status: 0,
    attempts: 0,
    inputTokens: null,
    outputTokens: null,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    costUsd: null,
    losses: [],
    ms: 0,
    aborted: false,
  };
  return {
    id: report.id,
    note: (change) => void Object.assign(report, change),
    attempt: () => void (report.attempts += 1),
    attempts: () => report.attempts,
    tried({ backend, keyName }, status, reason) {
      tried.push({ backend: backend.label, key: keyName === null ? null : keyReference(keyName), status, reason });
    },
    first({ backend }, said) {
      ttftMs = performance.now() - started;
      model = backend.model;
      answered = said;
    },
    under: (id) => void (generation = id),
    hold: (hold) => void (held = hold),
    saw: (tokens) => void (seen = tokens),
    finish(change) {
      if (over) return;
      over = true;
      Object.assign(report, change);
      report.ms = performance.now() - started;
      held?.settle(usedBy(report, seen, held.need));
      // Written out: a spread of so many members takes as long as choosing who answers.
      const { id, slot, backend, status, aborted, ms, costUsd } = report;
      const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = report;
      deps.requests.add({
        id,
        atMs,
        run,
        profile,
        token,
        path,
        slot,
        backend,
        key: tried.at(-1)?.key ?? null,
        tried,
        generation,
        status,
        aborted,
        ms,
        ttftMs,
        inputTokens,
        outputTokens,
        cacheReadTokens,
        cacheWriteTokens,
        costUsd,
        model,
        answered,
      });
      deps.onReport(report);
    },
  };
}
