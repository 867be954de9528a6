// One request as the log knows it: an id, and one report at its end, however it ends.

import { keyReference, newRequestId } from "#src/core/ids.ts";
import type { Attempt } from "#src/routing/candidates.ts";
import type { TriedAttempt } from "#src/state/requests.ts";
import type { Hold } from "#src/state/limits.ts";
import type { Loss } from "#src/wire/losses.ts";
import { usedBy } from "./allowance.ts";
import { type Caller, liveCaller } from "./caller.ts";
import type { GatewayDeps, RequestReport } from "./ports.ts";
import type { Usage } from "./usage.ts";

type ExchangeDeps = Pick<GatewayDeps, "onBegin" | "onReport" | "requests" | "clock">;

/** What an answer lost, told apart from what its request did. */
export const lossesOfAnswer = (losses: readonly Loss[]): string[] => losses.map(({ what }) => `answer: ${what}`);

/** The status of a request whose client went away; nobody is told it. */
export const GONE = 499;

/** A class, because there is one for every request: ten closures would be ten objects more. */
export class Exchange {
  readonly id = newRequestId();
  readonly #deps: ExchangeDeps;
  readonly #caller: Caller;
  readonly #atMs: number;
  readonly #started = performance.now();
  readonly #report: RequestReport;
  readonly #tried: TriedAttempt[] = [];
  #generation: number | null = null;
  #ttftMs: number | null = null;
  #model: string | null = null;
  #answered: string | null = null;
  #over = false;
  #held: Hold | undefined;
  #place: (() => void) | undefined;
  #unpriced = 0;
  #seen = 0;

  constructor(path: string, deps: ExchangeDeps, caller: Caller) {
    this.#deps = deps;
    this.#caller = caller;
    this.#atMs = deps.clock();
    // Written out, here and below: a spread of so many members takes as long as choosing who answers.
    this.#report = {
      id: this.id,
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
      begun: false,
    };
  }

  /** What it is served as; null: as nothing there is. */
  serves(slot: string | null): void {
    this.#report.slot = slot;
  }

  /** Who was asked last. */
  asked(backend: string): void {
    this.#report.backend = backend;
  }

  /** What was not carried, by kind; the end of a stream may add to it. */
  lost(losses: readonly string[]): void {
    this.#report.losses = [...new Set([...this.#report.losses, ...losses])];
  }

  /** One attempt more. */
  attempt(): void {
    this.#report.attempts += 1;
  }

  attempts(): number {
    return this.#report.attempts;
  }

  /** What came of an attempt; `reason` null: it answered. */
  tried({ backend, keyName }: Attempt, status: number, reason: string | null): void {
    this.#tried.push({ backend: backend.label, key: keyName === null ? null : keyReference(keyName), status, reason });
  }

  /** The first content is there; `answered` is the model that the provider says it is. */
  first({ backend }: Attempt, answered: string | null): void {
    this.#ttftMs = performance.now() - this.#started;
    this.#report.begun = true;
    this.#model = backend.model;
    this.#answered = answered;
  }

  /** Under which generation. */
  under(generation: number): void {
    this.#generation = generation;
  }

  /** What is given back, or paid, at its end. */
  hold(hold: Hold, unpricedUsd: number): void {
    this.#held = hold;
    this.#unpriced = unpricedUsd;
  }

  /** What gives its place back at its end. */
  takes(place: () => void): void {
    this.#place = place;
  }

  /** Tokens that came, as far as their bytes tell; for an answer whose end does not. */
  saw(tokens: number): void {
    this.#seen = tokens;
  }

  /** Reports, the first time only; `GONE` where the client went away. Member by member: what assigns a few at once takes as long as the rest of it. */
  finish(status: number, usage?: Usage): void {
    if (this.#over) return;
    this.#over = true;
    const report = this.#report;
    report.status = status;
    report.aborted = status === GONE;
    if (usage !== undefined) {
      report.inputTokens = usage.inputTokens;
      report.outputTokens = usage.outputTokens;
      report.cacheReadTokens = usage.cacheReadTokens;
      report.cacheWriteTokens = usage.cacheWriteTokens;
      report.costUsd = usage.costUsd;
    }
    report.ms = performance.now() - this.#started;
    this.#held?.settle(usedBy(report, this.#seen, this.#held.need, this.#unpriced));
    this.#deps.requests.add({
      id: report.id,
      atMs: this.#atMs,
      run: this.#caller.run,
      profile: this.#caller.profile,
      token: this.#caller.token,
      path: report.path,
      slot: report.slot,
      backend: report.backend,
      key: this.#tried.at(-1)?.key ?? null,
      tried: this.#tried,
      generation: this.#generation,
      status: report.status,
      aborted: report.aborted,
      ms: report.ms,
      ttftMs: this.#ttftMs,
      inputTokens: report.inputTokens,
      outputTokens: report.outputTokens,
      cacheReadTokens: report.cacheReadTokens,
      cacheWriteTokens: report.cacheWriteTokens,
      costUsd: report.costUsd,
      model: this.#model,
      answered: this.#answered,
      losses: report.losses,
    });
    this.#place?.();
    this.#deps.onReport(report);
  }
}

/** Starts the clock of a request. */
export function openExchange(path: string, deps: ExchangeDeps, caller: Caller = liveCaller): Exchange {
  deps.onBegin?.();
  return new Exchange(path, deps, caller);
}
