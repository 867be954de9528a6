// What is counted of requests, as it is scraped: every count once, however often it is asked for.

import { expect, test } from "bun:test";
import { makeMetrics } from "#src/gateway/metrics.ts";
import type { LoggedRequest } from "#src/state/requests.ts";

const request: LoggedRequest = {
  ...{ id: "req_1", atMs: 0, run: null, profile: null, token: null, path: "/v1/messages", slot: "sonnet" },
  ...{ backend: "a", key: null, tried: [{ backend: "a", key: null, status: 200, reason: null }], generation: 1 },
  ...{ status: 200, aborted: false, ms: 200, ttftMs: 50, inputTokens: 10, outputTokens: 5, cacheReadTokens: 3 },
  ...{ cacheWriteTokens: null, costUsd: 0.5, model: "m", answered: "m", losses: [] },
};

const linesOf = async (metrics: ReturnType<typeof makeMetrics>) =>
  (await (await metrics.page()).text)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#") && !line.includes("_bucket"));

test("sums are told once, and go on", async () => {
  const metrics = makeMetrics();
  metrics.count(request);
  metrics.count({ ...request, profile: "app", answered: "other" });
  metrics.count({
    ...request,
    ...{ status: 429, backend: "b", ttftMs: null, costUsd: null, answered: null, inputTokens: null },
    ...{ outputTokens: null, cacheReadTokens: null },
    tried: [
      { backend: "a", key: null, status: 429, reason: "rate_limit" },
      { backend: "b", key: null, status: 429, reason: "rate_limit" },
    ],
  });
  const first = await linesOf(metrics);
  expect(first).toEqual([
    'broke_requests_total{profile="none",slot="sonnet",backend="a",status="200"} 1',
    'broke_requests_total{profile="app",slot="sonnet",backend="a",status="200"} 1',
    'broke_requests_total{profile="none",slot="sonnet",backend="b",status="429"} 1',
    'broke_attempts_total{backend="a",outcome="answered"} 2',
    'broke_attempts_total{backend="a",outcome="rate_limit"} 1',
    'broke_attempts_total{backend="b",outcome="rate_limit"} 1',
    'broke_request_seconds_sum{slot="sonnet",backend="a"} 0.4',
    'broke_request_seconds_count{slot="sonnet",backend="a"} 2',
    'broke_first_content_seconds_sum{slot="sonnet",backend="a"} 0.1',
    'broke_first_content_seconds_count{slot="sonnet",backend="a"} 2',
    'broke_tokens_total{backend="a",kind="input"} 20',
    'broke_tokens_total{backend="a",kind="output"} 10',
    'broke_tokens_total{backend="a",kind="cache_read"} 6',
    'broke_cost_usd_total{backend="a"} 1',
    'broke_model_drift_total{backend="a"} 1',
  ]);
  expect(await linesOf(metrics)).toEqual(first);
  metrics.count(request);
  expect((await linesOf(metrics))[0]).toBe(
    'broke_requests_total{profile="none",slot="sonnet",backend="a",status="200"} 2',
  );
});

test("what lost something is counted by its backend alone", async () => {
  const metrics = makeMetrics();
  metrics.lost("a");
  metrics.lost("a");
  metrics.lost(null);
  expect(await linesOf(metrics)).toEqual([
    'broke_lossy_requests_total{backend="a"} 2',
    'broke_lossy_requests_total{backend="none"} 1',
  ]);
});
