// The gateway on TCP: the model dialects, health, metrics, and the documentation, for this machine's own callers; for others, where they may
// come at all, the model dialects alone.

import type * as v from "valibot";
import { admitClients, type Token } from "./admission.ts";
import { guardedApp, makeDoorkeeper, modelApp, plainError } from "./app.ts";
import { docsApp } from "./docs.ts";
import { allowedHere } from "./doors.ts";
import type { alive, ready } from "./health.ts";
import { makeMetrics } from "./metrics.ts";
import { tapRequests } from "#src/state/requests.ts";
import type { GatewayDeps } from "./ports.ts";
import { type Exposure, makeRemoteGuard } from "./remote.ts";
import { faultOf, json } from "./reply.ts";

/** The app. `version` is the product's; `exposure`: where others may come from. */
export function tcpApp(deps: GatewayDeps, token: Token, version: string, exposure?: Exposure) {
  const admit = admitClients(token, deps);
  const remote = exposure && makeRemoteGuard(exposure, deps.clock, admit);
  const local = makeDoorkeeper(deps.clock, admit);
  const doorkeeper = remote?.joined(local) ?? local;
  const metrics = makeMetrics();
  const requests = tapRequests(deps.requests, metrics.count);
  const onReport: GatewayDeps["onReport"] = (report) => {
    if (report.losses.length > 0) metrics.lost(report.backend);
    deps.onReport(report);
  };
  const app = guardedApp(remote, allowedHere)
    .get("/health/liveliness", () => json({ status: "alive" } satisfies v.InferOutput<typeof alive>))
    .get("/health/readiness", ({ request }) => {
      try {
        deps.keys.names();
        const { id } = deps.generations.current();
        return json({ status: "ready", generation: id } satisfies v.InferOutput<typeof ready>);
      } catch (error) {
        return plainError(request, { ...faultOf(error), status: 503 });
      }
    })
    .get(
      "/metrics",
      async ({ request }) => {
        const { profile, token: bound } = doorkeeper.callerOf(request);
        // What it tells is of all profiles.
        if (profile === null && bound === null) {
          const { text, contentType } = await metrics.page();
          return new Response(text, { headers: { "content-type": contentType } });
        }
        const message = "this is for the client token alone";
        return plainError(request, { status: 403, type: "permission", message, final: true });
      },
      { beforeHandle: doorkeeper.beforeHandle },
    )
    .use(modelApp({ ...deps, requests, onReport }, doorkeeper));
  return app.use(docsApp(version, () => app));
}
