// What this gateway has done since it began, for Prometheus. Labels are names of the operator's own: no token, no key, nothing a client or a provider could
// make more of by what it says.

import { Counter, Histogram, Registry } from "prom-client";
import { drifts } from "#src/observe/requests.ts";
import type { LoggedRequest } from "#src/state/requests.ts";

export type Metrics = { count(request: LoggedRequest): void; contentType: string; text(): Promise<string> };

const SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const NONE = "none";

/** For one gateway. */
export function makeMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: `broke_${name}`, help, labelNames, registers });
  const histogram = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Histogram({ name: `broke_${name}`, help, labelNames, buckets: SECONDS, registers });
  const requests = counter("requests_total", "Requests, by their end", ["profile", "slot", "backend", "status"]);
  const attempts = counter("attempts_total", "Attempts, by what came of them", ["backend", "outcome"]);
  const seconds = histogram("request_seconds", "How long answers took, whole", ["slot", "backend"]);
  const first = histogram("first_content_seconds", "How long the first content took", ["slot", "backend"]);
  const tokens = counter("tokens_total", "Tokens as providers count them", ["backend", "kind"]);
  const cost = counter("cost_usd_total", "What answers cost, where the operator said what is charged", ["backend"]);
  const drift = counter("model_drift_total", "Answers by another model than was asked for", ["backend"]);
  return {
    count(request) {
      const { profile, status, ms, ttftMs, costUsd, model, answered } = request;
      const [slot, backend] = [request.slot ?? NONE, request.backend ?? NONE];
      requests.inc({ profile: profile ?? NONE, slot, backend, status: String(status) });
      for (const tried of request.tried) attempts.inc({ backend: tried.backend, outcome: tried.reason ?? "answered" });
      if (status === 200) seconds.observe({ slot, backend }, ms / 1000);
      if (ttftMs !== null) first.observe({ slot, backend }, ttftMs / 1000);
      for (const [kind, count] of [
        ["input", request.inputTokens],
        ["output", request.outputTokens],
        ["cache_read", request.cacheReadTokens],
        ["cache_write", request.cacheWriteTokens],
      ] as const) {
        if (count !== null && count > 0) tokens.inc({ backend, kind }, count);
      }
      if (costUsd !== null && costUsd > 0) cost.inc({ backend }, costUsd);
      if (answered !== null && drifts(model, [answered])) drift.inc({ backend });
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
