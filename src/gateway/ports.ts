// What the gateway works on: the shared state, looked up anew for each request, and where it reports what it did.

import type { Clock } from "#src/core/clock.ts";
import type { Redactor } from "#src/core/text.ts";
import type { GenerationStore } from "#src/state/generations.ts";
import type { KeyRing } from "#src/state/secrets.ts";

/** One finished request. Tokens are null when the provider did not say; never a body, a prompt or a key. */
export type RequestReport = {
  id: string;
  slot: string | null;
  backend: string | null;
  path: string;
  status: number;
  attempts: number;
  inputTokens: number | null;
  outputTokens: number | null;
  ms: number;
  aborted: boolean;
};

export type GatewayDeps = {
  generations: Pick<GenerationStore, "current">;
  keys: KeyRing;
  redact: Redactor;
  clock: Clock;
  onReport(report: RequestReport): void;
};
