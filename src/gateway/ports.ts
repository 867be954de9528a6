// What the gateway works on: the shared state, looked up anew for each request, and where it reports what it did.

import type { Clock } from "#src/core/clock.ts";
import type { Redactor } from "#src/core/text.ts";
import type { GenerationStore } from "#src/state/generations.ts";
import type { HealthStore } from "#src/state/health.ts";
import type { LimitPort } from "#src/state/limits.ts";
import type { RequestLog } from "#src/state/requests.ts";
import type { RotationStore } from "#src/state/rotation.ts";
import type { KeyRing } from "#src/state/keys.ts";
import type { TokenStore } from "#src/state/tokens.ts";
import type { Usage } from "./usage.ts";

/** One finished request; never a body, a prompt or a key. */
export type RequestReport = Usage & {
  id: string;
  slot: string | null;
  backend: string | null;
  path: string;
  /** 499 when the client went away, 502 when the provider was cut off after the status had gone out. */
  status: number;
  attempts: number;
  /** What the translation could not carry, by kind; of the answer behind `answer: `. */
  losses: string[];
  ms: number;
  aborted: boolean;
  /** A model's answer had begun to come: false for what nobody answered, and for counts. */
  begun: boolean;
};

/** How long is waited for what; all in ms. */
export type Timing = {
  /** A stream is never silent for longer: clients and the proxies between give up after a minute or less. */
  pingMs: number;
  /** A stream's headers go out after this long, whatever has come: Gemini CLI gives up after 60 s without them. */
  headersAfterMs: number;
  /** How long a request may wait for a key whose limit is about to pass. */
  maxWaitMs: number;
  /** The least wait before a provider that failed is asked once more; twice that at most. */
  backoffMs: number;
};

export const usualTiming: Timing = { pingMs: 15_000, headersAfterMs: 15_000, maxWaitMs: 3_000, backoffMs: 250 };

export type GatewayDeps = {
  generations: Pick<GenerationStore, "current">;
  keys: KeyRing;
  redact: Redactor;
  clock: Clock;
  health: HealthStore;
  rotation: RotationStore;
  tokens: TokenStore;
  limits: LimitPort;
  /** Whether nobody may be served, because what is shared with others cannot be reached. */
  isClosed?(): boolean;
  requests: RequestLog;
  timing: Timing;
  /** The first attempt and nothing after it, whatever comes of it: what a probe may spend. */
  once?: boolean;
  /** Whether one more request may ask a model: what gives its place back when it is over, undefined where it may not. */
  admit?(): (() => void) | undefined;
  /** A request has come; each is reported once. */
  onBegin?(): void;
  onReport(report: RequestReport): void;
};
