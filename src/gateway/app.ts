// The model dialects as an Elysia app: routes and who may call them, no translation and no choice of backend. This is all a run's socket
// serves.

import { Elysia } from "elysia";
import type { Clock } from "#src/core/clock.ts";
import { newRequestId } from "#src/core/ids.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { inbound } from "#src/wire/codecs.ts";
import { errorTypeOf } from "#src/wire/errors.ts";
import { isLocalRequest } from "#src/core/local-request.ts";
import { type Admit, hashOfMade } from "./admission.ts";
import { presentedToken } from "./auth.ts";
import { type Caller, liveCaller } from "./caller.ts";
import { countTokens } from "./count.ts";
import { absenceAt, allowedAt, decode, dialectAt, geminiDoor, lists, posts, type Service } from "./doors.ts";
import type { Door } from "./incoming.ts";
import { dialectOfCaller, modelEntry, modelList, servedSlots } from "./models.ts";
import type { GatewayDeps } from "./ports.ts";
import { relay } from "./relay.ts";
import { pathOf, targetOf } from "./target.ts";
import type { RemoteGuard } from "./remote.ts";
import { makeThrottle } from "./throttle.ts";
import { errorReply, type Fault, faultOf, json } from "./reply.ts";

// Elysia finds the path by a fixed offset unless told that the host may be short; then path and routing could disagree.
export const elysiaConfig = { handler: { standardHostname: false } } as const;

function dialectOf(request: Request): Dialect {
  const path = pathOf(request);
  return dialectAt(path) ?? dialectOfCaller(path, request.headers);
}

/** An error no model request is behind, in the words of the path's dialect, else of the caller's. What its body holds was not read. */
export function plainError(request: Request, fault: Fault): Response {
  const reply = errorReply(inbound[dialectOf(request)], fault, newRequestId());
  reply.headers.set("connection", "close");
  return reply;
}

type Allowed = (path: string) => string | undefined;

function notFound(request: Request, allowed: Allowed = allowedAt): Response {
  const path = pathOf(request);
  const allow = allowed(path);
  if (allow === undefined) {
    // In OpenAI's words a 404 of `not_found` is a model's.
    const type = dialectOf(request).startsWith("openai") ? "invalid_request" : errorTypeOf(404);
    return plainError(request, { status: 404, type, message: absenceAt(path), final: true });
  }
  const message = `this path takes ${allow}`;
  const reply = plainError(request, { status: 405, type: errorTypeOf(405), message, final: true });
  reply.headers.set("allow", allow);
  return reply;
}

/** Every failure as an answer; nothing of a bug but that it was one. */
const errorHandler =
  (allowed: Allowed) =>
  ({ code, error, request }: { code: string | number; error: unknown; request: Request }): Response =>
    code === "NOT_FOUND" ? notFound(request, allowed) : plainError(request, faultOf(error));

/** The start of every app: failures as answers, and nobody let in who names another host or comes from another's page. `remote`: who else may come; `allowed`: what its paths take. */
export function guardedApp(remote?: Pick<RemoteGuard, "look">, allowed: Allowed = allowedAt) {
  return new Elysia(elysiaConfig).onError(errorHandler(allowed)).onRequest(({ request, server }) => {
    const seen = remote?.look({ request, server });
    if (seen?.kind === "refused") return seen.answer;
    if (seen?.kind !== "served" && !isLocalRequest(request.headers)) {
      const message = "the Host or Origin header names somebody else";
      return plainError(request, { status: 403, type: "permission", message, final: true });
    }
    if (request.method !== "OPTIONS") return undefined;
    const allow = allowed(pathOf(request));
    return allow === undefined ? undefined : new Response(null, { status: 204, headers: { allow } });
  });
}

const services: Record<
  Service,
  (request: Request, deps: GatewayDeps, door: Door, caller: Caller) => Promise<Response>
> = {
  model: relay,
  count: countTokens,
};

/** Who tells where a request comes from: a connection is known by its port. */
type PeerSource = { requestIP(request: Request): { port: number; address: string } | null };

/** Who is let in, and then known. */
export type Doorkeeper = {
  /** An answer where somebody is not. */
  beforeHandle(context: { request: Request; server: PeerSource | null }): Response | undefined;
  callerOf(request: Request): Caller;
};

/** On the request itself: a map of requests costs the collector more than the rest of admission takes. */
const admitted = Symbol("caller");
type Admitted = Request & { [admitted]?: Caller };

/** One for everything a listener serves behind a token. */
export function makeDoorkeeper(clock: Clock, admit: Admit): Doorkeeper {
  const throttle = makeThrottle(clock);
  return {
    callerOf: (request: Admitted) => request[admitted] ?? liveCaller,
    beforeHandle({ request, server }) {
      const peer = () => server?.requestIP(request)?.port;
      const wait = throttle.blockedMs(peer, () => hashOfMade(presentedToken(request)));
      if (wait !== undefined) {
        const message = "too many wrong client tokens";
        return plainError(request, { status: 429, type: "rate_limit", message, retryAfterMs: wait, final: true });
      }
      const admission = admit(request);
      if (admission.kind === "refused") {
        if (admission.guessed) throttle.failed();
        return plainError(request, admission.fault);
      }
      throttle.passed(peer, admission.hash);
      (request as Admitted)[admitted] = admission.caller;
      return undefined;
    },
  };
}

/** The model routes, for whom the doorkeeper lets in. */
export function modelApp(deps: GatewayDeps, { beforeHandle, callerOf }: Doorkeeper) {
  // The relay reads the body itself: parsing it here would cost a copy, and a schema would strip what providers understand.
  const raw = { parse: "none", beforeHandle } as const;
  const app = new Elysia(elysiaConfig).onError(errorHandler(allowedAt));
  for (const { paths, dialect, service } of posts) {
    for (const path of paths) {
      const door: Door = { dialect, route: paths[0]! };
      app.post(path, ({ request }) => services[service](request, deps, door, callerOf(request)), raw);
    }
  }
  const gemini = ({ request }: { request: Request }) => {
    const found = geminiDoor(targetOf(request.url));
    return found === undefined
      ? notFound(request)
      : services[found.service](request, deps, found.door, callerOf(request));
  };
  const one = ({ request }: { request: Request }) => {
    const path = pathOf(request).replace(/\/$/, "");
    const id = decode(path.slice(path.lastIndexOf("/") + 1));
    const slot = servedSlots(deps, callerOf(request)).find((served) => served.id === id);
    if (slot !== undefined) return json(modelEntry(slot, dialectOfCaller(path, request.headers)));
    if (path.includes(":")) return notFound(request);
    return plainError(request, { status: 404, type: errorTypeOf(404), message: "no such model", final: true });
  };
  for (const path of lists) {
    app
      .get(
        path,
        ({ request }) => {
          const dialect = dialectOfCaller(pathOf(request), request.headers);
          return json(modelList(servedSlots(deps, callerOf(request)), dialect));
        },
        { beforeHandle },
      )
      .get(`${path}/:model`, one, { beforeHandle });
  }
  for (const version of ["v1beta", "v1"]) {
    app.post(`/${version}/models/:model`, gemini, raw);
  }
  // Claude Code warms its connection up with this and ignores the answer.
  return app.head("/", () => new Response(null, { status: 200 }));
}
