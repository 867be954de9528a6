// The dashboard's server, on loopback: the page, what it shows, and what may be done to a run. Every request needs the session, a host of this machine
// and no foreign origin; what changes anything needs our own origin said, and the run's id twice where it cannot be undone.
// Does not stop: what session.ts says.

import { Elysia } from "elysia";
import { join } from "node:path";
import * as v from "valibot";
import { BrokeError, httpStatusOf, publicMessage } from "#src/core/errors.ts";
import { isRunId } from "#src/core/ids.ts";
import { isLocalRequest } from "#src/core/local-request.ts";
import type { Session } from "./session.ts";
import type { Snapshot } from "./snapshot.ts";

export const acts = ["interrupt", "resume", "kill", "force-verify", "clear"] as const;
export type Act = (typeof acts)[number];
/** What cannot be taken back, or takes a guard away. */
const confirmed: readonly Act[] = ["kill", "clear"];

export type DashboardDeps = {
  snapshot(): Snapshot;
  /** Says it to the run's supervisor. Throws what the command would. */
  act(runId: string, act: Act): Promise<{ status: string; changed: boolean }>;
};

const bodySchema = v.strictObject({ act: v.picklist(acts), confirm: v.optional(v.string()) });
const MAX_BODY_BYTES = 1024;

const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};

const json = (value: unknown, status = 200) => Response.json(value, { status, headers: HEADERS });
const refuse = (status: number, message: string) => json({ error: { message } }, status);
const file = (name: string, type: string) => () =>
  new Response(Bun.file(join(import.meta.dir, "page", name)), {
    headers: { ...HEADERS, "content-type": `${type}; charset=utf-8` },
  });

async function readAct(request: Request, runId: string): Promise<Act> {
  if (request.headers.get("origin") !== `http://${request.headers.get("host")}`)
    throw new BrokeError("denied", "the request says no origin of ours");
  if (!request.headers.get("content-type")?.startsWith("application/json"))
    throw new BrokeError("usage", "the content type is application/json");
  const text = await request.text();
  const parsed =
    text.length > MAX_BODY_BYTES ? undefined : v.safeParse(v.pipe(v.string(), v.parseJson(), bodySchema), text);
  if (parsed?.success !== true) throw new BrokeError("usage", "no such action");
  const { act, confirm } = parsed.output;
  if (confirmed.includes(act) && confirm !== runId)
    throw new BrokeError("usage", `${act} is to be confirmed with the run's id`);
  return act;
}

/** The app. */
export function dashboardApp({ snapshot, act }: DashboardDeps, session: Session) {
  return new Elysia()
    .onRequest(({ request }) => {
      if (!isLocalRequest(request.headers)) return refuse(403, "not for another host or page");
      const url = new URL(request.url);
      const ticket = url.searchParams.get("ticket");
      if (request.method === "GET" && url.pathname === "/" && ticket !== null) {
        const cookie = session.enter(ticket);
        if (cookie === undefined) return refuse(401, "this address was used before; start `broke dashboard` again");
        return new Response(null, { status: 303, headers: { ...HEADERS, location: "/", "set-cookie": cookie } });
      }
      if (!session.holds(request.headers.get("cookie")))
        return refuse(401, "open the address that `broke dashboard` printed");
      return undefined;
    })
    .onError(({ error, code }) =>
      code === "NOT_FOUND" ? refuse(404, "not found") : refuse(httpStatusOf(error), publicMessage(error)),
    )
    .get("/", file("index.html", "text/html"))
    .get("/page.js", file("page.js", "text/javascript"))
    .get("/page.css", file("page.css", "text/css"))
    .get("/api/snapshot", () => json(snapshot()))
    .post(
      "/api/runs/:id/act",
      async ({ params: { id }, request }) => {
        if (!isRunId(id)) throw new BrokeError("missing", "no such run");
        return json(await act(id, await readAct(request, id)));
      },
      { parse: "none" },
    );
}
