// What this gateway has done since it began, for Prometheus. Labels are names of the operator's own: no token, no key, nothing a client or a provider could
// make more of by what it says. Requests are summed up here as they end, and told to the registry when somebody asks.

import type { Histogram } from "prom-client";
import { drifts } from "#src/observe/requests.ts";
import type { LoggedRequest } from "#src/state/requests.ts";
import { type Times, type TimesMetric, timesMetric } from "./times.ts";

export type Metrics = {
  count(request: LoggedRequest): void;
  /** The backend could not get, or give, all of one. */
  lost(backend: string | null): void;
  page(): Promise<{ text: string; contentType: string }>;
};

const SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
const NONE = "none";
const TOKEN_KINDS = ["input", "output", "cache_read", "cache_write"] as const;

type Counts<Outer, Inner> = Map<Outer, Map<Inner, number>>;

function add<Outer, Inner>(counts: Counts<Outer, Inner>, outer: Outer, inner: Inner, count: number): void {
  let within = counts.get(outer);
  if (within === undefined) counts.set(outer, (within = new Map()));
  within.set(inner, (within.get(inner) ?? 0) + count);
}

/** Tells what was counted, and forgets it. */
function drain<Outer, Inner>(counts: Counts<Outer, Inner>, tell: (outer: Outer, inner: Inner, count: number) => void) {
  for (const [outer, within] of counts) for (const [inner, count] of within) tell(outer, inner, count);
  counts.clear();
}

/** What was done under one slot by one backend, since it was told last. */
type Sums = {
  slot: string;
  backend: string;
  /** By profile and status. */
  requests: Counts<string, number>;
  tokens: number[];
  usd: number;
  drifted: number;
  /** The last answer's model, and whether it was another than was asked for. */
  said: { asked: string | null; answered: string; drifts: boolean } | undefined;
  seconds: Times | undefined;
  first: Times | undefined;
};

/** What is told to whoever asks. The library is loaded then: most gateways are never asked, and it takes 7 MB. */
async function openRegistry(seconds: TimesMetric, first: TimesMetric) {
  const { Counter, Registry } = await import("prom-client");
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter({ name: `broke_${name}`, help, labelNames, registers });
  const requests = counter("requests_total", "Requests, by their end", ["profile", "slot", "backend", "status"]);
  const attempts = counter("attempts_total", "Attempts, by what came of them", ["backend", "outcome"]);
  // What the registry asks of a metric is all there; its type names only its own classes.
  for (const metric of [seconds, first]) registry.registerMetric(metric as unknown as Histogram);
  const tokens = counter("tokens_total", "Tokens as providers count them", ["backend", "kind"]);
  const cost = counter("cost_usd_total", "What answers cost, where the operator said what is charged", ["backend"]);
  const drift = counter("model_drift_total", "Answers by another model than was asked for", ["backend"]);
  const lossy = counter("lossy_requests_total", "Requests that lost something, there or in their answer", ["backend"]);
  return { registry, requests, attempts, tokens, cost, drift, lossy };
}
type Counters = Awaited<ReturnType<typeof openRegistry>>;

/** For one gateway. */
export function makeMetrics(): Metrics {
  const times = (name: string, help: string) => timesMetric(`broke_${name}`, help, SECONDS);
  const seconds = times("request_seconds", "How long answers took, whole");
  const first = times("first_content_seconds", "How long the first content took");
  let counters: Promise<Counters> | undefined;

  const bySlot = new Map<string, Map<string, Sums>>();
  const tried: Counts<string, string> = new Map();
  const lossy = new Map<string, number>();
  const sumsOf = (slot: string, backend: string): Sums => {
    let within = bySlot.get(slot);
    if (within === undefined) bySlot.set(slot, (within = new Map()));
    let sums = within.get(backend);
    if (sums === undefined) {
      sums = {
        ...{ slot, backend, requests: new Map(), tokens: [0, 0, 0, 0], usd: 0, drifted: 0 },
        ...{ said: undefined, seconds: undefined, first: undefined },
      };
      within.set(backend, sums);
    }
    return sums;
  };
  const tell = ({ requests, tokens, cost, drift }: Counters, { slot, backend, ...sums }: Sums) => {
    drain(sums.requests, (profile, status, count) =>
      requests.inc({ profile, slot, backend, status: String(status) }, count),
    );
    sums.tokens.forEach((count, at) => count > 0 && tokens.inc({ backend, kind: TOKEN_KINDS[at]! }, count));
    if (sums.usd > 0) cost.inc({ backend }, sums.usd);
    if (sums.drifted > 0) drift.inc({ backend }, sums.drifted);
  };
  return {
    count(request) {
      const slot = request.slot ?? NONE;
      const backend = request.backend ?? NONE;
      const sums = sumsOf(slot, backend);
      add(sums.requests, request.profile ?? NONE, request.status, 1);
      for (const attempt of request.tried) add(tried, attempt.backend, attempt.reason ?? "answered", 1);
      if (request.status === 200) (sums.seconds ??= seconds.labelled({ slot, backend })).observe(request.ms / 1000);
      if (request.ttftMs !== null) (sums.first ??= first.labelled({ slot, backend })).observe(request.ttftMs / 1000);
      sums.tokens[0]! += request.inputTokens ?? 0;
      sums.tokens[1]! += request.outputTokens ?? 0;
      sums.tokens[2]! += request.cacheReadTokens ?? 0;
      sums.tokens[3]! += request.cacheWriteTokens ?? 0;
      sums.usd += request.costUsd ?? 0;
      const { model: asked, answered } = request;
      if (answered === null) return;
      if (sums.said?.asked !== asked || sums.said.answered !== answered)
        sums.said = { asked, answered, drifts: drifts(asked, [answered]) };
      if (sums.said.drifts) sums.drifted += 1;
    },
    lost(backend) {
      lossy.set(backend ?? NONE, (lossy.get(backend ?? NONE) ?? 0) + 1);
    },
    async page() {
      const known = await (counters ??= openRegistry(seconds.metric, first.metric));
      for (const within of bySlot.values()) {
        for (const sums of within.values()) {
          tell(known, sums);
          Object.assign(sums, { tokens: [0, 0, 0, 0], usd: 0, drifted: 0 });
        }
      }
      for (const [backend, count] of lossy) known.lossy.inc({ backend }, count);
      lossy.clear();
      drain(tried, (backend, outcome, count) => known.attempts.inc({ backend, outcome }, count));
      return { text: await known.registry.metrics(), contentType: known.registry.contentType };
    },
  };
}
