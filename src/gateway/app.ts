// The model dialects as an Elysia app: routes and who may call them, no translation and no choice of backend. This is all a run's socket
// serves.

import { Elysia } from "elysia";
import { newRequestId } from "#src/core/ids.ts";
import { errorTypeOf } from "#src/wire/errors.ts";
import { codecOf } from "./attempt.ts";
import { hasToken, isLocalRequest } from "./auth.ts";
import { countTokens } from "./count.ts";
import { listModels } from "./models.ts";
import type { GatewayDeps } from "./ports.ts";
import { relay } from "./relay.ts";
import { errorReply, type Fault, faultOf, json } from "./reply.ts";

/** The token callers must present now; null means revoked: nobody is let in. */
export type Token = () => string | null;

/** Finished OpenAPI operations by route, where there is somebody to read them. */
export type Docs = { [route in "messages" | "countTokens" | "models"]?: object };

// Elysia finds the path by a fixed offset unless told that the host may be short; then path and routing could disagree.
export const elysiaConfig = { handler: { standardHostname: false } } as const;

/** An error that no dialect's route is behind. */
export function plainError(fault: Fault): Response {
  return errorReply(codecOf("anthropic"), fault, newRequestId());
}

/** Every failure as an answer; nothing of a bug but that it was one. */
function errorHandler({ code, error }: { code: string | number; error: unknown }): Response {
  if (code === "NOT_FOUND") return plainError({ status: 404, type: errorTypeOf(404), message: "no such endpoint" });
  return plainError(faultOf(error));
}

/** The start of every app: failures as answers, and nobody let in who names another host or comes from another's page. */
export function guardedApp() {
  return new Elysia(elysiaConfig).onError(errorHandler).onRequest(({ request }) => {
    if (isLocalRequest(request.headers)) return undefined;
    const message = "the Host or Origin header names somebody else";
    return plainError({ status: 403, type: "permission", message, final: true });
  });
}

/** The model routes, behind the token. */
export function modelApp(deps: GatewayDeps, token: Token, docs: Docs = {}) {
  const beforeHandle = ({ request }: { request: Request }) => {
    const current = token();
    if (current !== null && hasToken(request.headers, current)) return undefined;
    const message = current === null ? "the run is over" : "missing or wrong client token";
    return plainError({ status: 401, type: "authentication", message, final: true });
  };
  // The relay reads the body itself: parsing it here would cost a copy, and a schema would strip what providers understand.
  const raw = { parse: "none", beforeHandle } as const;
  return (
    new Elysia(elysiaConfig)
      .onError(errorHandler)
      .post("/v1/messages", ({ request }) => relay(request, deps, "anthropic", "/v1/messages"), {
        ...raw,
        detail: docs.messages ?? {},
      })
      .post("/v1/messages/count_tokens", ({ request }) => countTokens(request, deps), {
        ...raw,
        detail: docs.countTokens ?? {},
      })
      .get("/v1/models", () => json(listModels(deps)), { beforeHandle, detail: docs.models ?? {} })
      // Claude Code warms its connection up with this and ignores the answer.
      .head("/", () => new Response(null, { status: 200 }), { detail: { hide: true } })
  );
}
