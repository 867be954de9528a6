// Who comes from another machine, where `--host` lets them: the model routes alone, with a token before anything else, by an address or a name that is
// meant for them. Each address has its own count of wrong tokens, so that none of them shuts anybody else out.
// Does not stop: who reads the network, since this is HTTP; nor a proxy on this machine, whose callers count as this machine's.

import { hostname } from "node:os";
import type { Clock } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import { type Admit, MADE_HERE } from "./admission.ts";
import { type Doorkeeper, makeDoorkeeper, plainError } from "./app.ts";
import { allowedAt } from "./doors.ts";
import { targetOf } from "./target.ts";

/** Which tokens are good from elsewhere: those bound to a profile, or the client token too. */
export const tokenPolicies = ["bound", "any"] as const;
export type TokenPolicy = (typeof tokenPolicies)[number];

/** Where it listens beside 127.0.0.1. `names`: what else the Host header may say. */
export type Exposure = { host: string; tokens: TokenPolicy; names: readonly string[] };

const LOOPBACK = /^(::ffff:)?127\.|^::1$/;
/** Names of loopback itself, for `--host`. */
const LOCAL_HOST = /^(127\.0\.0\.1|localhost)$/;
const HOST = /^(?:(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\])|([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})))(?::\d{1,5})?$/;
const NAME = /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$/;
const MOST_ADDRESSES = 1_000;

/**
 * What was asked for; undefined: this machine alone. `clientToken` as it is now, `bound` how many bound tokens are live. Throws `denied` where nothing says
 * which tokens count, or those that would are none, or can be guessed.
 */
export function exposureOf(
  asked: { host: string | undefined; tokens: string | undefined; names: readonly string[] },
  { clientToken, bound }: { clientToken: string; bound: number },
): Exposure | undefined {
  const { host, tokens, names } = asked;
  if (host === undefined || LOCAL_HOST.test(host)) {
    if (tokens === undefined && names.length === 0) return undefined;
    throw new BrokeError("usage", "--tokens and --name go with a --host that others can reach");
  }
  if (!/^[0-9A-Fa-f.:]+$/.test(host))
    throw new BrokeError("usage", "--host is an address: 0.0.0.0, ::, or one of this machine's");
  if (names.some((name) => !NAME.test(name))) throw new BrokeError("usage", "--name is a host name, without a port");
  const policy = tokenPolicies.find((known) => known === tokens);
  if (tokens !== undefined && policy === undefined) throw new BrokeError("usage", "--tokens is bound or any");
  if (policy === undefined)
    throw new BrokeError(
      "denied",
      `nothing says whom to serve on ${host}`,
      "--tokens bound: who has a token of a profile; --tokens any: who has the client token too",
    );
  if (policy === "bound" && bound === 0)
    throw new BrokeError(
      "denied",
      "no token is bound to a profile, so nobody could come",
      "`broke connect --profile NAME` makes one",
    );
  if (policy === "any" && !MADE_HERE.test(clientToken))
    throw new BrokeError(
      "denied",
      "the client token is one that somebody chose, and could be guessed from elsewhere",
      "unset BROKE_CLIENT_TOKEN, or use --tokens bound",
    );
  return { host, tokens: policy, names };
}

/** Whether Host is an address, which no foreign page can have rebound, or a name that was given; and Origin, when there is one, the same place. */
function isMeant(headers: Headers, names: ReadonlySet<string>): boolean {
  const host = headers.get("host");
  const [, address, name] = HOST.exec(host ?? "") ?? [];
  if (address === undefined && (name === undefined || !names.has(name.toLowerCase()))) return false;
  const origin = headers.get("origin");
  return origin === null || origin === `http://${host}`;
}

/** One address, or of IPv6 the network that one machine may have all of. */
const neighbourhood = (address: string) => (address.includes(".") ? address : address.split(":").slice(0, 4).join(":"));

type Asking = Parameters<Doorkeeper["beforeHandle"]>[0];

export type RemoteGuard = {
  /** Whether it comes from elsewhere, and then whether it is let in. */
  look(asking: Asking): { kind: "local" } | { kind: "served" } | { kind: "refused"; answer: Response };
  /** One doorkeeper for both: who was looked at here is not looked at again. */
  joined(local: Doorkeeper): Doorkeeper;
};

/** For one listener. `admit` is what the client token and bound tokens get. */
export function makeRemoteGuard({ tokens, names, host }: Exposure, clock: Clock, admit: Admit): RemoteGuard {
  const known = new Set([hostname(), host, ...names].map((name) => name.toLowerCase()));
  const keepers = new Map<string, Doorkeeper>();
  const served = new WeakMap<Request, Doorkeeper>();
  const bound: Admit = (request) => {
    const admission = admit(request);
    if (admission.kind === "refused" || admission.caller.token !== null) return admission;
    // In the words of a wrong one: what it is good for elsewhere is nobody's business.
    const message = "missing or wrong client token";
    return { kind: "refused", fault: { status: 401, type: "authentication", message, final: true }, guessed: true };
  };
  const keeperOf = (address: string): Doorkeeper => {
    const place = neighbourhood(address);
    const keeper = keepers.get(place) ?? makeDoorkeeper(clock, tokens === "bound" ? bound : admit);
    keepers.delete(place);
    if (keepers.size >= MOST_ADDRESSES) keepers.delete(keepers.keys().next().value!);
    keepers.set(place, keeper);
    return keeper;
  };
  return {
    look(asking) {
      const { request, server } = asking;
      const address = server?.requestIP(request)?.address;
      if (address !== undefined && LOOPBACK.test(address)) return { kind: "local" };
      const refused = (message: string) =>
        ({
          kind: "refused",
          answer: plainError(request, { status: 403, type: "permission", message, final: true }),
        }) as const;
      if (!isMeant(request.headers, known)) return refused("the Host or Origin header names somebody else");
      const keeper = keeperOf(address ?? "unknown");
      const answer = keeper.beforeHandle(asking);
      if (answer !== undefined) return { kind: "refused", answer };
      if (allowedAt(targetOf(request.url).path) === undefined)
        return refused("this is served to its own machine alone");
      served.set(request, keeper);
      return { kind: "served" };
    },
    joined: (local) => ({
      beforeHandle: (asking) => (served.has(asking.request) ? undefined : local.beforeHandle(asking)),
      callerOf: (request) => (served.get(request) ?? local).callerOf(request),
    }),
  };
}
