// The Elysia app: routes and who may call them, no translation and no choice of backend. Two surfaces: a run's socket serves the model
// dialects and nothing else; the TCP gateway adds health and documentation.

import { Elysia } from "elysia";
import { httpStatusOf, publicMessage } from "#src/core/errors.ts";
import { newRequestId } from "#src/core/ids.ts";
import { hasToken, isLocalRequest } from "./auth.ts";
import { listModels } from "./models.ts";
import type { GatewayDeps } from "./ports.ts";
import { relayMessages } from "./relay.ts";
import { anthropicError, json } from "./reply.ts";

export type Surface = { kind: "run"; token: () => string | null } | { kind: "tcp"; token: () => string | null };

/** Largest request body, 64 MiB: long agent contexts with images. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;

// Elysia finds the path by a fixed offset unless told that the host may be short; then path and routing could disagree.
const elysiaConfig = { handler: { standardHostname: false } } as const;

/** The app for a surface. `token()` null means revoked: nobody is let in. */
export function createApp(deps: GatewayDeps, surface: Surface) {
  const authorize = ({ request }: { request: Request }) => {
    const token = surface.token();
    if (token !== null && hasToken(request.headers, token)) return undefined;
    const message = token === null ? "the run is over" : "missing or wrong client token";
    return anthropicError({ status: 401, message, shouldRetry: false }, newRequestId());
  };
  const app = new Elysia(elysiaConfig)
    .onError(({ code, error }) => {
      const id = newRequestId();
      if (code === "NOT_FOUND") return anthropicError({ status: 404, message: "no such endpoint" }, id);
      return anthropicError({ status: httpStatusOf(error), message: publicMessage(error) }, id);
    })
    .onRequest(({ request }) => {
      if (surface.kind === "tcp" && !isLocalRequest(request.headers)) {
        return anthropicError(
          { status: 403, message: "the Host or Origin header names somebody else" },
          newRequestId(),
        );
      }
      return undefined;
    })
    .post("/v1/messages", ({ request }) => relayMessages(request, deps, ""), {
      parse: "none",
      beforeHandle: authorize,
      detail: docs.messages,
    })
    .post("/v1/messages/count_tokens", ({ request }) => relayMessages(request, deps, "/count_tokens"), {
      parse: "none",
      beforeHandle: authorize,
      detail: docs.countTokens,
    })
    .get("/v1/models", () => json(listModels(deps)), { beforeHandle: authorize, detail: docs.models })
    // Claude Code warms its connection up with this and ignores the answer.
    .head("/", () => new Response(null, { status: 200 }), { detail: { hide: true } });
  if (surface.kind === "run") return app;
  return app
    .get("/health/liveliness", () => json({ status: "alive" }), { detail: docs.liveliness })
    .get("/health/readiness", () => json({ status: "ready", generation: deps.generations.current().id }), {
      detail: docs.readiness,
    });
}

const docs = {
  messages: { summary: "Anthropic Messages", tags: ["models"] },
  countTokens: { summary: "Token count of a Messages request", tags: ["models"] },
  models: { summary: "The slots this gateway serves", tags: ["models"] },
  liveliness: { summary: "Whether the process answers", tags: ["health"] },
  readiness: { summary: "Whether routing can be read", tags: ["health"] },
};
