// The gateway on TCP: the model dialects, health, and the documentation, for this machine's own callers.

import * as v from "valibot";
import { admitClients, type Token } from "./admission.ts";
import { guardedApp, modelApp } from "./app.ts";
import { docsApp } from "./docs.ts";
import { modelDocs } from "./model-docs.ts";
import { operation } from "./openapi.ts";
import type { GatewayDeps } from "./ports.ts";
import { json } from "./reply.ts";

const live = v.object({ status: v.literal("alive") });
const ready = v.object({ status: v.literal("ready"), generation: v.number() });

/** The app. `version` is the product's. */
export function tcpApp(deps: GatewayDeps, token: Token, version: string) {
  return guardedApp()
    .get("/health/liveliness", () => json({ status: "alive" } satisfies v.InferOutput<typeof live>), {
      detail: operation({
        summary: "Whether the process answers",
        tag: "health",
        answer: { description: "It does", schema: live },
        open: true,
      }),
    })
    .get(
      "/health/readiness",
      () => json({ status: "ready", generation: deps.generations.current().id } satisfies v.InferOutput<typeof ready>),
      {
        detail: operation({
          summary: "Whether routing can be read",
          tag: "health",
          answer: { description: "It can", schema: ready },
          open: true,
        }),
      },
    )
    .use(modelApp(deps, admitClients(token, deps), modelDocs))
    .use(docsApp(version));
}
