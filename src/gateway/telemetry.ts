// Requests as spans of OpenTelemetry, in the words of its conventions for generative AI, sent by the official SDK where the operator's OTEL variables say.
// Loaded only when they are set. Never a prompt, an answer, a key or a token.

import { type Attributes, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import type { LoggedRequest } from "#src/state/requests.ts";

/** How long the last spans may take to get away. */
const STOP_MS = 2_000;

export type Telemetry = {
  record(request: LoggedRequest): void;
  /** Sends what is left. Never rejects: what watches may be gone. */
  stop(): Promise<void>;
};

/** What is known of a request, by the names of the GenAI semantic conventions; ours begin with `broke.`. */
export function attributesOf(request: LoggedRequest): Attributes {
  const { path, model, answered, status, tried, slot, backend, profile, run, generation, ttftMs } = request;
  const known = {
    "gen_ai.operation.name": path.includes("count") ? "count_tokens" : "chat",
    "gen_ai.request.model": model ?? slot,
    "gen_ai.response.model": answered,
    "gen_ai.response.id": request.id,
    "gen_ai.usage.input_tokens": request.inputTokens,
    "gen_ai.usage.output_tokens": request.outputTokens,
    "http.route": path,
    "http.response.status_code": status,
    "error.type": status === 200 ? null : (tried.at(-1)?.reason ?? String(status)),
    "broke.slot": slot,
    "broke.backend": backend,
    "broke.profile": profile,
    "broke.run": run,
    "broke.generation": generation,
    "broke.attempts": tried.length,
    "broke.ttft_ms": ttftMs,
    "broke.cost_usd": request.costUsd,
    "broke.losses": request.losses.length === 0 ? null : [...request.losses],
  };
  return Object.fromEntries(
    Object.entries(known).filter((entry): entry is [string, string | number | string[]] => entry[1] !== null),
  );
}

/** For one process; where to, the exporter reads from the environment. */
export function startTelemetry(version: string, env: Record<string, string | undefined>): Telemetry {
  const name = { "service.name": env.OTEL_SERVICE_NAME || "broke", "service.version": version };
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(name)),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  const tracer = provider.getTracer("broke", version);
  return {
    record(request) {
      const { atMs, ms, status, slot } = request;
      const attributes = attributesOf(request);
      const title = `${attributes["gen_ai.operation.name"] as string} ${slot ?? "unknown"}`;
      const span = tracer.startSpan(title, { kind: SpanKind.CLIENT, startTime: atMs, attributes });
      if (status !== 200) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end(atMs + ms);
    },
    async stop() {
      await Promise.race([provider.shutdown(), Bun.sleep(STOP_MS)]).catch(() => undefined);
    },
  };
}
