// The gateway's state with what watches it, where the operator wants it watched. What the official SDK costs to load is paid only then.

import type { GatewayDeps } from "#src/gateway/ports.ts";
import { tapRequests } from "#src/state/requests.ts";

type Deps = Omit<GatewayDeps, "onReport">;

/** The same, or with every request sent on; `stop` sends what is left. */
export async function watched<Given extends Deps>(
  deps: Given,
  env: Record<string, string | undefined>,
): Promise<{ deps: Given; stop(): Promise<void> }> {
  const wants = [env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].some(Boolean);
  if (!wants || env.OTEL_SDK_DISABLED?.toLowerCase() === "true") return { deps, stop: async () => {} };
  const { startTelemetry } = await import("#src/gateway/telemetry.ts");
  const { version } = await import("../../package.json");
  const telemetry = startTelemetry(version, env);
  return { deps: { ...deps, requests: tapRequests(deps.requests, telemetry.record) }, stop: telemetry.stop };
}
