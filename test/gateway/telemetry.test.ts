// Spans, as a collector gets them over HTTP from the real launcher: the conventions' words, and nothing that was said.

import { expect, test } from "bun:test";
import { makeBench } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";

type Value = { stringValue?: string; intValue?: number | string; doubleValue?: number };
type Span = { name: string; kind: number; attributes: { key: string; value: Value }[] };
type Batch = { resourceSpans: { resource: { attributes: Span["attributes"] }; scopeSpans: { spans: Span[] }[] }[] };

const flat = (attributes: Span["attributes"]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

test("a request of the background gateway is a span with models, tokens and slot", async () => {
  const batches: string[] = [];
  using collector = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      batches.push(await request.text());
      return Response.json({});
    },
  });
  await using upstream = await startUpstream(() => ({ ...say("a secret answer"), tokens: { input: 21, output: 2 } }));
  using bench = makeBench();
  await bench.answerFrom(upstream.url);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`, OTEL_METRICS_EXPORTER: "none" };
  const started = await bench.broke(["start", "--port", "0"], { env });
  const url = /http:\S+/.exec(started.stdout)![0];
  const { token } = JSON.parse((await bench.broke(["connect", "--json"])).stdout) as { token: string };
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ model: "opus", messages: [{ role: "user", content: "a secret question" }] });
  expect((await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body })).status).toBe(200);
  expect((await bench.broke(["stop"])).code).toBe(0);
  expect(batches.length).toBe(1);
  expect(batches[0]).not.toMatch(/secret|brokecli_/);
  const { resource, scopeSpans } = (JSON.parse(batches[0]!) as Batch).resourceSpans[0]!;
  expect(flat(resource.attributes)).toMatchObject({ "service.name": "broke" });
  const [span] = scopeSpans[0]!.spans;
  expect(span).toMatchObject({ name: "chat opus", kind: 3 });
  expect(flat(span!.attributes)).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "m",
    "gen_ai.response.model": "m",
    "gen_ai.usage.input_tokens": 21,
    "gen_ai.usage.output_tokens": 2,
    "http.response.status_code": 200,
    "broke.slot": "opus",
    "broke.backend": "scripted",
    "broke.attempts": 1,
  });
});
