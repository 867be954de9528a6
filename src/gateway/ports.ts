// What the gateway works on: the shared state, looked up anew for each request, and where it reports what it did.

import type { Clock } from "#src/core/clock.ts";
import type { Redactor } from "#src/core/text.ts";
import type { GenerationStore } from "#src/state/generations.ts";
import type { HealthStore } from "#src/state/health.ts";
import type { KeyRing } from "#src/state/secrets.ts";

/** One finished request. Tokens are null when the provider did not say; never a body, a prompt or a key. */
export type RequestReport = {
  id: string;
  slot: string | null;
  backend: string | null;
  path: string;
  /** 499 when the client went away, 502 when the provider was cut off after the status had gone out. */
  status: number;
  attempts: number;
  inputTokens: number | null;
  outputTokens: number | null;
  /** What the translation could not carry, by kind. */
  losses: string[];
  ms: number;
  aborted: boolean;
};

export type GatewayDeps = {
  generations: Pick<GenerationStore, "current">;
  keys: KeyRing;
  redact: Redactor;
  clock: Clock;
  health: HealthStore;
  /** How long a provider may say nothing before its answer counts as broken, in ms. */
  silenceMs: number;
  onReport(report: RequestReport): void;
};
